import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createGgmlCpuEngine, createRoundingEngine } from '../../src/cpu/ggml/ggml-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import type { ModelFile } from '../../src/gguf/model-file';
import { memorySource } from '../../src/gguf/memory-source';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { judgeRouting, type RoutingJudgement } from '../../src/judge/judge-routing';
import type { Engine } from '../../src/model/engine';
import type { HParams } from '../../src/model/hparams';
import { readHParams } from '../../src/model/read-hparams';
import { CHOSEN_EXPERTS } from '../../src/model/stage-roles';
import { encodeBase64 } from '../../src/trace/base64';
import { readRouting, type Routing, type RoutingShape } from '../../src/trace/routing-file';
import { runCliHere } from '../cli/cli-here';
import { makeModel } from '../support/gguf-models';
import { goldenModelPath, loadGolden } from '../support/golden';

vi.setConfig({ testTimeout: 120_000 });

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

const DEEP = goldenModelPath('deep-q8_0');
const TOKENS = [...loadGolden('deep-q8_0', 'p12').tokens];

let model: ModelFile;
let hparams: HParams;
beforeAll(async () => {
  model = await openModel([await nodeSource(DEEP)]);
  hparams = readHParams(model);
});
afterAll(async () => {
  await model.close();
});

/** What an engine chooses by itself. */
async function choicesOf(engine: Engine, sizes: HParams, tokens: readonly number[]): Promise<Routing> {
  const at = tokens.map((_, i) => i);
  await engine.begin(Uint32Array.from(tokens), 0, { capture: new Map() });
  const layers = new Map<number, Uint32Array<ArrayBuffer>>();
  for (let layer = 0; layer < sizes.nLayer; layer++) {
    const { captures } = await engine.layer(layer, { capture: new Map([[CHOSEN_EXPERTS, at]]) });
    const data = captures.get(CHOSEN_EXPERTS)?.data;
    if (data instanceof Uint32Array) layers.set(layer, data.slice());
  }
  return { form: 'csv', nTokens: tokens.length, layers };
}

async function judged(file: ModelFile, routing: Routing, drift: 'f32' | 'q8' = 'q8'): Promise<RoutingJudgement> {
  const sizes = readHParams(file);
  const pool = createInlinePool(file);
  try {
    const options = { model: file, hparams: sizes, pool };
    const [exact, drifting] = [createCpuEngine(options), createRoundingEngine(options, drift)];
    return await judgeRouting({ routing, tokens: TOKENS, hparams: sizes, exact, drifting });
  } finally {
    await pool.dispose();
  }
}

describe('choices of experts', () => {
  it('of the exact engine are all the same', async () => {
    const pool = createInlinePool(model);
    const routing = await choicesOf(createCpuEngine({ model, hparams, pool }), hparams, TOKENS);
    const { verdict, tokens, choices, flips } = await judged(model, routing);
    expect(verdict.status).toBe('match');
    expect(flips).toEqual([]);
    expect(tokens.same).toEqual({ count: 12, share: 1 });
    expect(choices.same.count).toBe(12 * hparams.nLayer);
  });

  it('of 8-bit activations are explained by their drift, and not by that of f32', async () => {
    const pool = createInlinePool(model);
    const routing = await choicesOf(createGgmlCpuEngine({ model, hparams, pool }), hparams, TOKENS);
    const within = await judged(model, routing);
    expect(within.verdict.sentence).toMatch(/^MATCH/);
    expect(within.choices.drift.count).toBeGreaterThan(0);
    expect(within.choices.same.count + within.choices.drift.count).toBe(12 * hparams.nLayer);
    const strict = await judged(model, routing, 'f32');
    expect(strict.verdict.status).toBe('diverged');
    expect(strict.choices.wrong.count).toBe(within.choices.drift.count);
  });

  it('that are against the router are wrong, where they are', async () => {
    const pool = createInlinePool(model);
    const right = await choicesOf(createCpuEngine({ model, hparams, pool }), hparams, TOKENS);
    const { nExpert, nExpertUsed: k } = hparams;
    const bent = right.layers.get(2)?.slice() ?? new Uint32Array(0);
    const own = [...bent.subarray(5 * k, 6 * k)];
    const other = Array.from({ length: nExpert }, (_, e) => e).find((e) => !own.includes(e)) ?? 0;
    bent[5 * k] = other;
    const { verdict, tokens } = await judged(model, { ...right, layers: new Map([...right.layers, [2, bent]]) });
    expect(verdict).toMatchObject({
      status: 'diverged',
      first: { layer: 2, position: 5, chosen: [other], instead: [own[0]] },
    });
    expect(tokens.wrong.count).toBe(1);
  });

  it('between equal experts are a tie', async () => {
    const bytes = makeModel({ shape: { nLayer: 1, nExpertUsed: 1 }, type: 'F32' });
    const first = await openModel([memorySource(bytes, 'tie.gguf')]);
    // Experts 1 and 2 get one row of the router.
    const router = first.tensors.get('blk.0.ffn_gate_inp.weight');
    const [n = 0] = router?.dims ?? [];
    const at = router?.offset ?? 0;
    bytes.copyWithin(at + 8 * n, at + 4 * n, at + 8 * n);
    const tie = await openModel([memorySource(bytes, 'tie.gguf')]);
    const sizes = readHParams(tie);
    const exact = await choicesOf(
      createCpuEngine({ model: tie, hparams: sizes, pool: createInlinePool(tie) }),
      sizes,
      TOKENS.map((t) => t % sizes.nVocab),
    );
    const chosen = exact.layers.get(0) ?? new Uint32Array(0);
    const position = chosen.indexOf(1);
    expect(position).toBeGreaterThanOrEqual(0);
    const other = chosen.slice();
    other[position] = 2;
    const pool = createInlinePool(tie);
    const options = { model: tie, hparams: sizes, pool };
    const tokens = TOKENS.map((t) => t % sizes.nVocab);
    const [e, drifting] = [createCpuEngine(options), createRoundingEngine(options, 'f32')];
    const judgement = await judgeRouting({
      routing: { ...exact, layers: new Map([[0, other]]) },
      tokens,
      hparams: sizes,
      exact: e,
      drifting,
    });
    expect(judgement.flips).toMatchObject([{ kind: 'tie', position, margin: 0 }]);
    expect(judgement.verdict.status).toBe('match');
  });
});

const SHAPE: RoutingShape = { nLayer: 3, moeLayers: [1, 2], nExpert: 8, nExpertUsed: 2 };
/** Two tokens in layers 1 and 2. */
const EXPERTS = [
  [
    [0, 1],
    [2, 3],
  ],
  [
    [4, 5],
    [6, 7],
  ],
];

function npy(type: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`.padEnd(117) + '\n';
  const head = Uint8Array.from([0x93, ...utf8('NUMPY'), 1, 0, text.length, 0, ...utf8(text)]);
  return Uint8Array.from([...head, ...data]);
}

describe('files of chosen experts', () => {
  const flat = EXPERTS.flat(2);
  const csv = [
    'layer,position,slot,expert',
    ...EXPERTS.flatMap((layers, t) => layers.flatMap((own, l) => own.map((e, s) => `${l + 1},${t},${s},${e}`))),
  ];
  const base64 = encodeBase64(new Uint8Array(Int32Array.from(flat).buffer));
  it.each([
    ['vllm', 'NumPy', npy('<i2', [2, 2, 2], new Uint8Array(Int16Array.from(flat).buffer))],
    [
      'vllm',
      'NumPy of all layers',
      npy('|u1', [2, 3, 2], Uint8Array.from(EXPERTS.flatMap((l) => [0, 1, ...l.flat()]))),
    ],
    ['vllm', 'nested lists', utf8(JSON.stringify({ routed_experts: EXPERTS }))],
    ['sglang', 'base64 in a response', utf8(JSON.stringify([{ text: '', meta_info: { routed_experts: base64 } }]))],
    ['csv', 'CSV', utf8(csv.join('\n'))],
    [
      'csv',
      'CSV without slots, by other names',
      utf8(csv.map((l) => l.replace('position', 'token').split(',').toSpliced(2, 1).join('\t')).join('\r\n')),
    ],
  ] as const)('%s: %s', (form, _, bytes) => {
    const routing = readRouting(bytes, 'file', SHAPE);
    expect(routing).toMatchObject({ form, nTokens: 2 });
    expect([...routing.layers].map(([layer, experts]) => [layer, [...experts]])).toEqual([
      [1, [0, 1, 4, 5]],
      [2, [2, 3, 6, 7]],
    ]);
  });

  it.each([
    [
      'an expert that there is not',
      JSON.stringify({
        routed_experts: [
          [
            [0, 8],
            [1, 2],
          ],
        ],
      }),
      'below 8',
    ],
    [
      'one twice',
      JSON.stringify({
        routed_experts: [
          [
            [3, 3],
            [1, 2],
          ],
        ],
      }),
      'different',
    ],
    ['too few', JSON.stringify({ routed_experts: [[[3], [1, 2]]] }), '2 or 3 layers'],
    ['a hole', 'layer,position,slot,expert\n1,0,0,1\n', '2 experts of position 0'],
    ['a layer without experts', 'layer,position,slot,expert\n0,0,0,1\n0,0,1,2\n', 'layer 0'],
    ['no number', 'layer,position,expert\n1,0,x\n', 'whole number'],
  ])('%s is refused', (_, text, said) => {
    expect(() => readRouting(utf8(text), 'file', SHAPE)).toThrow(said);
  });

  it('moescope judge --routing: exit status, shares and JSON', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'moescope-routing-'));
    try {
      const pool = createInlinePool(model);
      const { layers } = await choicesOf(createGgmlCpuEngine({ model, hparams, pool }), hparams, TOKENS);
      const k = hparams.nExpertUsed;
      const rows = [...layers].flatMap(([layer, own]) =>
        [...own].map((e, i) => `${layer},${Math.floor(i / k)},${i % k},${e}`),
      );
      const file = join(folder, 'experts.csv');
      writeFileSync(file, ['layer,position,slot,expert', ...rows].join('\n'));
      const tokens = ['--tokens', TOKENS.join(',')];
      const right = await runCliHere('judge', DEEP, '--routing', file, ...tokens, '--quiet');
      expect(right.status, right.err).toBe(0);
      expect(right.out).toMatch(/MATCH: every choice of experts is explained; of 12 tokens/);
      const wrong = await runCliHere('judge', DEEP, '--routing', file, ...tokens, '--drift', 'f32', '--json', '-');
      expect(wrong.status).toBe(1);
      expect(JSON.parse(wrong.out)).toMatchObject({
        schema: 'moescope-routing/1',
        verdict: { status: 'diverged' },
        form: 'csv',
      });
      const few = await runCliHere('judge', DEEP, '--routing', file, '--tokens', '1,2');
      expect(few.status).toBe(2);
      expect(few.err).toContain('the choices of 12 tokens');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('refuses a model whose experts are chosen within groups, by name', async () => {
  const grouped = await openModel([await nodeSource(goldenModelPath('families/deepseek2-v3-q8_0'))]);
  const engine = createCpuEngine({ model: grouped, hparams: readHParams(grouped), pool: createInlinePool(grouped) });
  const judged = judgeRouting({
    routing: { form: 'vllm', nTokens: 1, layers: new Map() },
    tokens: [1],
    hparams: readHParams(grouped),
    exact: engine,
    drifting: engine,
  });
  await expect(judged).rejects.toMatchObject({ code: 'gguf-unsupported' });
  await grouped.close();
});
