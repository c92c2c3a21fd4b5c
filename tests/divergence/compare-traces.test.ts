import { describe, expect, it } from 'vitest';
import { compareTraces } from '../../src/divergence/compare-traces';
import type { Capture } from '../../src/model/engine';
import { createTrace, type Provenance, type Trace } from '../../src/trace/trace';
import { filesToTraces, tracesToFiles } from '../../src/trace/trace-files';
import { tracerErrorOf } from '../support/errors';
import { captureOf } from '../support/captures';

const CPU = { arm: 'cpu', mode: 'free', headerSha256: 'aa', tokens: [4, 5] } as const;
const GPU = { ...CPU, arm: 'gpu' } as const;

const cpuCaptures = (): readonly Capture[] => [
  captureOf('embedding', undefined, [2, 2], [1, 2, 3, 4]),
  captureOf('attn_norm', 0, [2, 2], [1, 2, 3, 4], { bound: [0.1, 0.1, 0.1, 0.1] }),
  captureOf('moe_router_probs', 0, [2, 4], [0.4, 0.3, 0.2, 0.1, 0.1, 0.2, 0.3, 0.4]),
  captureOf('moe_router_indices', 0, [2, 2], [0, 1, 3, 2]),
  captureOf('moe_expert_out', 0, [2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]),
  captureOf('lm_head', undefined, [2, 4], [1, 0, 0, 0, 0, 1, 0, 0]),
];
const cpu = createTrace(CPU, cpuCaptures());

/** The reference's captures under another name, some of them replaced. */
function gpuWith(...changed: readonly Capture[]): Trace {
  return createTrace(GPU, [...cpuCaptures(), ...changed]);
}

const about = (trace: Trace, changed: Partial<Provenance>): Trace =>
  createTrace({ ...trace.provenance, ...changed }, trace.captures.values());

/** What a program that writes no trace.json leaves. */
function foreign(trace: Trace): Trace {
  const files = new Map([...tracesToFiles([trace], 'aprt')].filter(([path]) => path !== 'trace.json'));
  const [read] = filesToTraces(files, 'x').traces;
  if (read === undefined) throw new Error('nothing read');
  return read;
}

describe('two traces', () => {
  it('that agree: a match, rows in forward order', () => {
    const { verdict, rows, run, notes } = compareTraces({ free: gpuWith() }, { free: cpu });
    expect(verdict).toEqual({
      status: 'match',
      sentence: 'MATCH: 1 layer, 6 stages, 2 tokens agree; free-running relative L2 at most 0',
    });
    expect(rows.map((row) => [row.stage, row.layer])).toEqual([
      ['embedding', undefined],
      ['attn_norm', 0],
      ['moe_router_probs', 0],
      ['moe_router_indices', 0],
      ['moe_expert_out', 0],
      ['lm_head', undefined],
    ]);
    expect(run).toMatchObject({ tokens: [4, 5], positions: [0, 1], layers: [0], mode: 'free', arms: ['gpu', 'cpu'] });
    expect(notes).toEqual([]);
  });

  it('that part: the first place, the expert and the weight by name', () => {
    const wrong = captureOf('moe_expert_out', 0, [2, 2, 2], [1, 2, 3, 4, 5, 6, -7, 8]);
    const told = { weightTypes: { 'blk.0.ffn_down_exps.weight': 'Q6_K' } };
    const { verdict } = compareTraces({ free: gpuWith(wrong) }, { free: about(cpu, told) });
    expect(verdict.sentence).toMatch(
      /^DIVERGED: first at layer 0, moe_expert_out, token 1, expert 2 \(blk\.0\.ffn_down_exps\.weight, Q6_K\): cosine /,
    );
  });

  it('isolated against the reference: judged by the bounds that it holds', () => {
    const isolated = (x: number): Trace =>
      createTrace({ ...GPU, mode: 'isolated' }, [captureOf('attn_norm', 0, [2, 2], [1, 2, 3, 4 + x])]);
    const near = compareTraces({ isolated: isolated(0.05) }, { free: cpu }, { common: true });
    expect(near.verdict.status).toBe('match');
    expect(near.rows[0]?.maxRatio).toBeCloseTo(0.5, 5);
    const far = compareTraces({ isolated: isolated(0.2) }, { free: cpu }, { common: true });
    expect(far.verdict.first).toMatchObject({ stage: 'attn_norm', position: 1, metric: 'ratio', mode: 'isolated' });
  });

  it('never scores a stage that only one holds: missing, and incomplete', () => {
    const partial = createTrace(GPU, cpuCaptures().slice(0, 4));
    const { verdict, rows, notes } = compareTraces({ free: partial }, { free: cpu });
    expect(verdict).toMatchObject({ status: 'incomplete', sentence: expect.stringContaining('moe_expert_out') });
    expect(rows.filter((row) => row.verdict === 'missing').map((row) => [row.stage, row.count, row.cosine])).toEqual([
      ['moe_expert_out', 0, undefined],
      ['lm_head', 0, undefined],
    ]);
    expect(notes).toEqual(['moe_expert_out (layer 0) is only in B', 'lm_head is only in B']);
  });

  it('a layer that only one holds is missing too', () => {
    const { verdict, rows } = compareTraces(
      { free: gpuWith(captureOf('attn_norm', 7, [2, 2], [1, 2, 3, 4])) },
      { free: cpu },
    );
    expect(verdict.status).toBe('incomplete');
    expect(rows.filter((row) => row.verdict === 'missing').map((row) => row.layer)).toEqual([7]);
  });

  it('with common: leaves those out, and says so', () => {
    const partial = createTrace(GPU, cpuCaptures().slice(0, 4));
    const { verdict, rows, notes } = compareTraces({ free: partial }, { free: cpu }, { common: true });
    expect(verdict.status).toBe('match');
    expect(rows).toHaveLength(4);
    expect(notes).toContain('lm_head is only in B');
  });

  it('compares the positions that both hold, and says which are left out', () => {
    const last = createTrace(
      GPU,
      cpuCaptures().map((captured) => ({
        ...captureOf(
          captured.stage,
          captured.layer,
          [1, ...captured.shape.slice(1)],
          [...captured.data].slice(captured.data.length / 2),
          {
            positions: [1],
          },
        ),
      })),
    );
    const { verdict, rows, notes } = compareTraces({ free: last }, { free: cpu });
    expect(verdict.status).toBe('match');
    expect(rows.find((row) => row.stage === 'moe_expert_out')?.count).toBe(4);
    expect(notes).toEqual(['positions 0 are only in B and are left out']);
  });

  it('only the stages and layers asked for', () => {
    const both = [gpuWith(captureOf('attn_norm', 1, [2, 2], [9, 9, 9, 9])), cpu] as const;
    const { rows } = compareTraces(
      { free: both[0] },
      { free: both[1] },
      { stages: ['attn_norm'], layers: (l) => l === 0 },
    );
    expect(rows.map((row) => [row.stage, row.layer])).toEqual([['attn_norm', 0]]);
  });

  it('foreign dumps without shapes: against ours, and against each other', () => {
    const dumpA = foreign(gpuWith());
    const dumpB = foreign(cpu);
    for (const [a, b] of [
      [dumpA, cpu],
      [gpuWith(), dumpB],
      [dumpA, dumpB],
    ] as const) {
      const { verdict, rows, notes } = compareTraces({ free: a }, { free: b });
      expect(verdict.status).toBe('match');
      expect(rows.find((row) => row.stage === 'moe_router_indices')).toMatchObject({ jaccard: 1, count: 4 });
      expect(notes).toContain('one of the traces does not say of which tokens it is');
    }
  });

  it('names no weight of a foreign head, which may be the token embedding', () => {
    const wrong = foreign(gpuWith(captureOf('lm_head', undefined, [2, 4], [0, 1, 0, 0, 0, 1, 0, 0])));
    const { verdict } = compareTraces({ free: wrong }, { free: foreign(cpu) });
    expect(verdict.first).toMatchObject({ stage: 'lm_head' });
    expect(verdict.first?.tensor).toBeUndefined();
  });
});

describe('traces that do not belong together', () => {
  it.each([
    ['another model', about(cpu, { headerSha256: 'bb' }), 'models'],
    ['other tokens', about(cpu, { tokens: [4, 6] }), 'tokens'],
    ['more tokens', about(cpu, { tokens: [4, 5, 6] }), 'tokens'],
  ])('%s: an error, or with force a note', async (_, b, what) => {
    const error = await tracerErrorOf(() => compareTraces({ free: gpuWith() }, { free: b }));
    expect(error).toMatchObject({ code: 'trace-mismatch', detail: { what } });
    const { verdict, notes } = compareTraces({ free: gpuWith() }, { free: b }, { force: true });
    expect(verdict.status).toBe('match');
    expect(notes[0]).toMatch(new RegExp(`^different ${what}`));
  });

  it('other dimensions: an error that names the capture and both shapes, force or not', async () => {
    const wide = gpuWith(captureOf('attn_norm', 0, [2, 3], [1, 2, 3, 4, 5, 6]));
    const error = await tracerErrorOf(() => compareTraces({ free: wide }, { free: cpu }, { force: true }));
    expect(error).toMatchObject({
      code: 'trace-mismatch',
      detail: { captured: 'layer-0/attn_norm', a: '2 x 3', b: '2 x 2' },
    });
  });

  it('nothing in common: an error, not a match', async () => {
    const other = createTrace(GPU, [captureOf('attn_norm', 5, [2, 2], [1, 2, 3, 4])]);
    expect(await tracerErrorOf(() => compareTraces({ free: other }, { free: cpu }))).toMatchObject({
      code: 'trace-mismatch',
    });
  });
});
