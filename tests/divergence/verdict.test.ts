import { describe, expect, it } from 'vitest';
import type { BlameContext } from '../../src/divergence/blame';
import type { Row } from '../../src/divergence/report';
import { judge } from '../../src/divergence/verdict';
import { generateReport } from '../support/reports';

const context: BlameContext = {
  hparams: { ...generateReport({ kind: 'clean' }).model.hparams, tiedEmbeddings: true },
  typeOf: (tensor) => (tensor.includes('exps') ? 'Q4_K' : 'Q6_K'),
  expertAt: (layer, position, slot) => 10 * layer + position + slot,
};
const row = (partial: Partial<Row> & Pick<Row, 'stage' | 'verdict'>): Row => ({
  a: 'gpu',
  b: 'cpu',
  mode: 'free',
  layer: 0,
  count: 4,
  cosine: 1,
  ...partial,
});
const input = {
  limits: { cosine: 0.99, ratio: 1 },
  complete: true,
  layersDone: 3,
  nTokens: 2,
  engines: ['gpu', 'cpu'],
};

describe('judge', () => {
  it.each([
    ['nan-gpu', { nanA: 1, firstNonFiniteA: [1, 0] }, 'NaN'],
    ['nan-both', { nanA: 1, nanB: 1, firstNonFiniteA: [1, 0] }, 'NaN on both engines, so it comes from the file'],
    ['nan-both', { infA: 1, infB: 1, firstNonFiniteA: [1, 0] }, 'infinite on both engines, so it comes from the file'],
    ['nan-cpu', { nanB: 1, firstNonFiniteB: [1, 0] }, 'NaN on the reference alone'],
  ] as const)('says whose values are not finite: %s', (verdict, found, words) => {
    const rows = [row({ mode: 'isolated', layer: 1, stage: 'q_proj', verdict, ...found })];
    expect(judge({ ...input, rows }, context).verdict.sentence).toBe(
      `NOT FINITE: first at layer 1, q_proj, token 1 (blk.1.attn_q.weight, Q6_K): ${words}`,
    );
  });

  it.each([
    [0.5, '0.5'],
    [0.98996, '0.98996'],
    [0.9899999994, '0.989999999'],
    [-0.2, '-0.2'],
    [NaN, 'NaN'],
  ])('tells a cosine of %f apart from its limit', (cosine, words) => {
    const rows = [row({ stage: 'attn_norm', verdict: 'diverge', cosine, maxAbsIndex: [0, 0] })];
    expect(judge({ ...input, rows }, context).verdict.sentence).toMatch(`: cosine ${words}, limit 0.99`);
  });

  it('names layer, stage, token, expert, tensor and type, and labels the victims', () => {
    const rows = [
      row({ mode: 'free', layer: 1, stage: 'moe_expert_out', verdict: 'diverge', cosine: 0.5 }),
      row({ mode: 'free', layer: 1, stage: 'moe_ffn_out', verdict: 'diverge', cosine: 0.4 }),
      row({ mode: 'free', layer: undefined, stage: 'lm_head', verdict: 'nan-gpu', nanA: 1 }),
      row({
        mode: 'isolated',
        layer: 1,
        stage: 'moe_expert_out',
        verdict: 'diverge',
        maxRatio: 31234,
        maxRatioIndex: [1, 0, 3],
      }),
    ];
    const { verdict, rows: labelled } = judge({ ...input, rows }, context);
    expect(verdict.status).toBe('diverged');
    expect(verdict.sentence).toBe(
      'DIVERGED: first at layer 1, moe_expert_out, token 1, expert 11 (blk.1.ffn_down_exps.weight, Q4_K): error 3.1e4 x its bound',
    );
    expect(labelled.map((r) => r.verdict)).toEqual(['diverge', 'victim', 'victim', 'diverge']);
  });

  it('names the tensor behind each projection, and the tied head', () => {
    const named = (stage: 'q_proj' | 'k_proj' | 'v_proj') => {
      const wrong = row({ mode: 'isolated', stage, verdict: 'diverge', maxRatio: 2, maxRatioIndex: [0, 3] });
      return judge({ ...input, rows: [wrong] }, context).verdict.first?.tensor;
    };
    expect([named('q_proj'), named('k_proj'), named('v_proj')]).toEqual([
      'blk.0.attn_q.weight',
      'blk.0.attn_k.weight',
      'blk.0.attn_v.weight',
    ]);
    const head = judge(
      {
        ...input,
        rows: [
          row({
            mode: 'isolated',
            layer: undefined,
            stage: 'lm_head',
            verdict: 'diverge',
            maxRatio: 2,
            maxRatioIndex: [0, 9],
          }),
        ],
      },
      context,
    );
    expect(head.verdict.first).toMatchObject({ tensor: 'token_embd.weight', layer: undefined });
  });

  it('names two independent faults, in forward order', () => {
    const rows = [
      row({ mode: 'isolated', layer: 2, stage: 'attn_out', verdict: 'diverge', maxRatio: 5, maxRatioIndex: [0, 0] }),
      row({ mode: 'isolated', layer: 0, stage: 'ffn_norm', verdict: 'diverge', maxRatio: 3, maxRatioIndex: [1, 0] }),
    ];
    const { verdict } = judge({ ...input, rows }, context);
    expect(verdict.first).toMatchObject({ layer: 0, stage: 'ffn_norm', position: 1 });
    expect(verdict.others).toMatchObject([{ layer: 2, stage: 'attn_out' }]);
  });

  it('puts a NaN of one engine before everything after it, and calls it not finite', () => {
    const rows = [
      row({ layer: 0, stage: 'ffn_norm', verdict: 'match' }),
      row({ layer: 0, stage: 'moe_expert_gate', verdict: 'nan-gpu', nanA: 2, firstNonFiniteA: [1, 1, 0] }),
      row({ layer: 0, stage: 'moe_ffn_out', verdict: 'nan-gpu', nanA: 2, firstNonFiniteA: [1, 0] }),
    ];
    const { verdict } = judge({ ...input, rows }, context);
    expect(verdict.status).toBe('not-finite');
    expect(verdict.sentence).toBe(
      'NOT FINITE: first at layer 0, moe_expert_gate, token 1, expert 2 (blk.0.ffn_gate_exps.weight, Q4_K): NaN',
    );
  });

  it('does not blame a flip that drift explains', () => {
    const rows = [
      row({
        stage: 'moe_router_indices',
        verdict: 'after-flip',
        flips: [{ position: 0, onlyA: [1], onlyB: [2], margin: 1e-9, explained: true }],
      }),
      row({ stage: 'moe_ffn_out', verdict: 'after-flip', cosine: 0.2 }),
      row({ mode: 'isolated', stage: 'moe_ffn_out', verdict: 'match', maxRatio: 0.3 }),
    ];
    const { verdict } = judge({ ...input, rows }, context);
    expect(verdict.status).toBe('match');
    expect(verdict.sentence).toContain('1 routing flip within drift');
  });

  it('says when free-running parts although every stage alone is right', () => {
    const rows = [
      row({ layer: 1, stage: 'attention', verdict: 'diverge', cosine: 0.7, maxAbsIndex: [1, 0] }),
      row({ mode: 'isolated', layer: 1, stage: 'attention', verdict: 'match', maxRatio: 0.1 }),
    ];
    expect(judge({ ...input, rows }, context).verdict).toMatchObject({
      status: 'diverged',
      first: { stage: 'attention', mode: 'free', metric: 'cosine' },
    });
  });

  describe('with local rows', () => {
    const parted = row({
      layer: 1,
      stage: 'attention',
      verdict: 'diverge',
      cosine: 0.7,
      relL2: 0.9,
      maxAbsIndex: [1, 0],
    });
    const before = row({ layer: 1, stage: 'attn_softmax', verdict: 'match', relL2: 1e-6 });
    const right = (stage: Row['stage']): Row =>
      row({ mode: 'local', layer: 1, stage, verdict: 'match', maxRatio: 0.1 });
    const rows = [before, parted, right('attn_softmax'), right('attention')];

    it('blames nobody where every stage of the whole run is right from its own inputs', () => {
      const { verdict } = judge({ ...input, rows, whole: true }, context);
      expect(verdict.first).toBeUndefined();
      expect(verdict).toMatchObject({
        status: 'ill-conditioned',
        parted: { stage: 'attention' },
        amplification: { layer: 1, stage: 'attention', factor: 0.9 / 1e-6 },
      });
      expect(verdict.sentence).toBe(
        'ILL-CONDITIONED: every stage is right from its own inputs (largest error 0.1 x its bound), yet rounding alone makes the run part at layer 1, attention, token 1: cosine 0.7, limit 0.99; most of it at layer 1, attention, where relative L2 grows 9.0e5 x to 0.9',
      );
    });

    it.each([
      ['the run is a part of the model', rows, {}],
      ['a stage before it was not judged', rows.slice(0, 3), { whole: true }],
    ])('names where the run parts while %s', (_why, some, more) => {
      expect(judge({ ...input, rows: some, ...more }, context).verdict).toMatchObject({
        status: 'diverged',
        first: { stage: 'attention', mode: 'free' },
      });
    });

    it('suspects a product within its bound whose errors no roundings to nearest make', () => {
      const odd = row({ mode: 'local', stage: 'attn_out', verdict: 'match', maxRatio: 0.84, maxEstimate: 47 });
      const { verdict } = judge({ ...input, rows: [odd] }, context);
      expect(verdict).toMatchObject({ status: 'suspicious' });
      expect(verdict.first).toBeUndefined();
      expect(verdict.sentence).toMatch(
        /^SUSPICIOUS: layer 0, attn_out: .* 47 x what independent roundings to nearest make/,
      );
      expect(judge({ ...input, rows: [{ ...odd, maxEstimate: 0.7 }] }, context).verdict.status).toBe('match');
    });

    it('names what ran before what runs alone, and each place once', () => {
      const wrong = (mode: Row['mode'], stage: Row['stage'], maxRatio: number): Row =>
        row({ mode, layer: 1, stage, verdict: 'diverge', maxRatio, maxRatioIndex: [0, 0] });
      const found = [
        wrong('isolated', 'attn_out', 5),
        wrong('isolated', 'attention', 7),
        wrong('local', 'attn_out', 3),
      ];
      const { verdict } = judge({ ...input, rows: found }, context);
      expect(verdict.first).toMatchObject({ stage: 'attention', mode: 'isolated' });
      expect(verdict.others).toMatchObject([{ stage: 'attn_out', mode: 'local' }]);
    });

    it('names the expert of the slot that the candidate itself filled', () => {
      const wrong = row({
        mode: 'local',
        stage: 'moe_expert_up',
        verdict: 'diverge',
        maxRatio: 2,
        maxRatioIndex: [0, 1, 3],
      });
      const own = {
        ...context,
        expertAt: (_l: number, _p: number, _s: number, mode: string) => (mode === 'local' ? 5 : 6),
      };
      expect(judge({ ...input, rows: [wrong] }, own).verdict.first?.expert).toBe(5);
    });
  });

  it('calls nothing a match that was cut short, ran one engine, or misses a capture', () => {
    const rows = [row({ stage: 'ffn_norm', verdict: 'match' })];
    expect(judge({ ...input, rows, complete: false, layersDone: 1 }, context).verdict.sentence).toBe(
      'INCOMPLETE: stopped after 1 layer; nothing parted so far',
    );
    expect(judge({ ...input, rows: [], engines: ['cpu'] }, context).verdict.status).toBe('incomplete');
    const missing = judge(
      { ...input, rows: [...rows, row({ stage: 'moe_ffn_out', verdict: 'missing', count: 0 })] },
      context,
    ).verdict;
    expect(missing.sentence).toBe('INCOMPLETE: layer 0, moe_ffn_out was captured on one engine only');
  });

  it('states the size of the agreement', () => {
    const rows = [
      row({ stage: 'ffn_norm', verdict: 'match', relL2: 3.14e-7 }),
      row({ mode: 'isolated', stage: 'ffn_norm', verdict: 'match', maxRatio: 0.314 }),
    ];
    expect(judge({ ...input, rows }, context).verdict.sentence).toMatch(
      /^MATCH: 1 layer, 1 stage, 2 tokens agree; largest error 0\.31 x its bound; free-running relative L2 at most 3\.1e-7$/,
    );
  });

  it('says what the wrong values look like, and what else is wrong by itself', () => {
    const wrong = (layer: number, stage: Row['stage'], maxRatio: number): Row =>
      row({ mode: 'isolated', layer, stage, verdict: 'diverge', maxRatio, maxRatioIndex: [0, 0, 0] });
    const rows = [wrong(2, 'moe_router', 9), wrong(1, 'moe_expert_out', 5), wrong(1, 'post_ffn_residual', 3)];
    const cause = { code: 'read-as-type', parameters: { type: 'Q6_K' }, proven: true } as const;
    const hinted: BlameContext = {
      ...context,
      hintAt: (layer, stage) =>
        layer === 1 && stage === 'moe_expert_out' ? { text: 'as if read as Q6_K', cause } : undefined,
    };
    const { verdict } = judge({ ...input, rows }, hinted);
    expect(verdict.first).toMatchObject({ hint: 'as if read as Q6_K', cause });
    expect(verdict.sentence).toBe(
      'DIVERGED: first at layer 1, moe_expert_out, token 0, expert 10 (blk.1.ffn_down_exps.weight, Q4_K): error 5 x its bound; as if read as Q6_K; 2 more stages are wrong by themselves, next layer 1, post_ffn_residual, token 0',
    );
    const two = judge({ ...input, rows: rows.slice(0, 2) }, context).verdict.sentence;
    expect(two).toContain('; 1 more stage is wrong by itself, layer 2, moe_router, token 0');
  });

  it('names a value that must be 0 where the bound leaves no room', () => {
    const rows = [
      row({
        mode: 'isolated',
        stage: 'attn_softmax',
        verdict: 'diverge',
        maxRatio: Infinity,
        maxRatioIndex: [0, 0, 1],
      }),
    ];
    expect(judge({ ...input, rows }, context).verdict.sentence).toBe(
      'DIVERGED: first at layer 0, attn_softmax, token 0: not 0 where it must be',
    );
  });
});
