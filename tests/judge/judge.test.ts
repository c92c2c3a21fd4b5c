import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { bf16Bits, bf16ToNumber, f16Bits, f16ToNumber } from '../../src/base/float';
import { gamma, PRODUCT_ROUNDINGS } from '../../src/base/f32-error';
import { roundToQ8_0 } from '../../src/base/q8';
import { seededRandom } from '../../src/base/random';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createGgmlCpuEngine, createQ8BlockEngine } from '../../src/cpu/ggml/ggml-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { ARITHMETICS, boundFactor, fromMostExact } from '../../src/judge/arithmetics';
import { judgeTrace } from '../../src/judge/judge-trace';
import type { Judgement } from '../../src/judge/judgement';
import type { GraphParameter } from '../../src/model/graph-parameters';
import { readHParams } from '../../src/model/read-hparams';
import type { Capture } from '../../src/model/engine';
import { createTrace, type Trace } from '../../src/trace/trace';
import { readTraces } from '../../src/trace/read-traces';
import { goldenModelPath, loadGolden } from '../support/golden';

vi.setConfig({ testTimeout: 120_000 });

/** Captures of a real llama.cpp, some of them run on another file than the judge reads: `tests/golden/README.md`. */
function dump(name: string): Trace {
  const path = fileURLToPath(new URL(`../golden/judge/${name}.npz`, import.meta.url));
  const [trace] = readTraces(new Uint8Array(readFileSync(path)), name).traces;
  if (trace === undefined) throw new Error(`no trace in ${name}`);
  return { ...trace, provenance: { ...trace.provenance, tokens: [...loadGolden('mini-q4_k_m', 'p12').tokens] } };
}

async function judge(model: string, trace: Trace): Promise<Judgement> {
  const file = await openModel([await nodeSource(goldenModelPath(model))]);
  const hparams = readHParams(file);
  const pool = createInlinePool(file);
  try {
    return await judgeTrace({
      trace,
      hparams,
      typeOf: (tensor) => file.tensors.get(tensor)?.type,
      exact: createCpuEngine({ model: file, hparams, pool }),
      quantised: createGgmlCpuEngine({ model: file, hparams, pool }),
      blocks: createQ8BlockEngine({ model: file, hparams, pool }),
    });
  } finally {
    await pool.dispose();
    await file.close();
  }
}

/** All that is named of an operation and a type, the same for its stages. */
function named({ arithmetic }: Judgement): Readonly<Record<string, string>> {
  const kinds = new Map<string, Set<string>>();
  for (const a of arithmetic) {
    const kind = `${a.operation} ${a.type}`.trim();
    kinds.set(kind, (kinds.get(kind) ?? new Set()).add(a.arithmetic ?? 'none'));
  }
  return Object.fromEntries([...kinds].map(([kind, ids]) => [kind, [...ids].sort().join()]));
}

describe('a llama.cpp whose weights are those of the file', () => {
  it.each([
    ['mini-f32', 'mini-f32-p12', { 'matmul F32': 'f32', 'expert-matmul F32': 'f32' }],
    [
      'mini-q4_k_m',
      'mini-q4_k_m-p12',
      { 'matmul F32': 'f32', 'matmul Q4_K': 'q8-activations', 'expert-matmul Q4_K': 'q8-activations' },
    ],
    [
      'mini-q4_k_m',
      'mini-q4_k_m-p12-fa-f16',
      { 'matmul F32': 'f32', 'matmul Q4_K': 'q8-activations', 'expert-matmul Q4_K': 'q8-activations' },
    ],
    [
      'mini-q4_k_m',
      'mini-q4_k_m-p12-vulkan-h200-fused',
      { 'matmul F32': 'f16-inputs', 'matmul Q4_K': 'f16-inputs', 'expert-matmul Q4_K': 'f16-inputs' },
    ],
    ['mini-q4_k_m', 'mini-q4_k_m-p12-vulkan-fused', { 'matmul F32': 'f16-inputs' }],
  ])('%s, %s: nothing is lit, and its arithmetic is named', async (model, name, arithmetic) => {
    const judgement = await judge(model, dump(name));
    expect(judgement.verdict.sentence).toMatch(/^MATCH/);
    expect(named(judgement), JSON.stringify(judgement.arithmetic)).toMatchObject(arithmetic);
    expect(judgement.rows.filter((row) => row.verdict === 'match').length).toBeGreaterThan(25);
  });
});

describe('a llama.cpp whose weights are not', () => {
  it.each([
    ['experts-swapped', 'moe_expert_out', 'blk.1.ffn_down_exps.weight'],
    ['one-row-x1.2', 'moe_expert_out', 'blk.1.ffn_down_exps.weight'],
    ['gate-retyped-q4_0', 'moe_expert_gate', 'blk.1.ffn_gate_exps.weight'],
  ])('%s: exactly that tensor', async (name, stage, tensor) => {
    const { verdict } = await judge('mini-q4_k_m', dump(`mini-q4_k_m-${name}`));
    expect(verdict.first, verdict.sentence).toMatchObject({ layer: 1, stage, tensor });
    expect(verdict.others).toBeUndefined();
  });

  it('another eps: the norms, and nothing else', async () => {
    const { verdict } = await judge('mini-q4_k_m', dump('mini-q4_k_m-eps-1e-5'));
    for (const { stage } of [verdict.first, ...(verdict.others ?? [])].flatMap((c) => c ?? []))
      expect(stage).toMatch(/norm/);
    // Its change of 4e-6 is within the bound of long rows; the heads' rows of 64 show it where they are large enough.
    expect(['match', 'diverged']).toContain(verdict.status);
  });

  it('captures at a few positions, or without their inputs, are not judged', async () => {
    const whole = dump('mini-q4_k_m-p12');
    const lone = createTrace(
      whole.provenance,
      [...whole.captures.values()].filter((captured) => captured.stage === 'moe_ffn_out'),
    );
    expect((await judge('mini-q4_k_m', lone)).verdict).toMatchObject({ status: 'incomplete' });
    const late = createTrace(
      whole.provenance,
      [...whole.captures.values()].map((captured) => ({
        ...captured,
        positions: captured.positions.map((p) => p + 1),
      })),
    );
    await expect(judge('mini-q4_k_m', late)).rejects.toMatchObject({ code: 'trace-format' });
  });
});

describe('what was not captured', () => {
  const without = (trace: Trace, ...stages: readonly string[]): Trace =>
    createTrace(
      trace.provenance,
      [...trace.captures.values()].filter(({ stage }) => !stages.includes(stage)),
    );

  it('is bridged where its inputs were, and the rows say so', async () => {
    const { verdict, rows } = await judge('mini-q4_k_m', without(dump('mini-q4_k_m-p12'), 'moe_router_probs'));
    expect(verdict.sentence).toMatch(/^MATCH/);
    const bridged = rows.filter((row) => row.bridged !== undefined);
    expect(bridged.map(({ layer, stage, bridged: over }) => [layer, stage, over])).toEqual([
      [0, 'moe_router_indices', ['moe_router_probs']],
      [0, 'moe_router', ['moe_router_probs']],
      [1, 'moe_router_indices', ['moe_router_probs']],
      [1, 'moe_router', ['moe_router_probs']],
    ]);
    for (const row of bridged) expect(row).toMatchObject({ verdict: 'match' });
    expect(rows.find(({ stage }) => stage === 'moe_router_probs')?.count).toBe(0);
  });

  it('is bridged in a real fused router, and what is wrong behind it is seen', async () => {
    const fused = dump('mini-q4_k_m-p12-vulkan-fused');
    const { rows, verdict } = await judge('mini-q4_k_m', fused);
    expect(verdict.sentence).toMatch(/^MATCH/);
    expect(rows.filter((row) => row.bridged !== undefined && row.verdict === 'match').length).toBe(4);
    const captures = [...fused.captures.values()].map((captured) =>
      captured.stage === 'moe_router' && captured.layer === 1 && captured.data instanceof Float32Array
        ? { ...captured, data: captured.data.map((weight) => weight * 1.0001) }
        : captured,
    );
    const wrong = await judge('mini-q4_k_m', createTrace(fused.provenance, captures));
    expect(wrong.verdict.first).toMatchObject({ layer: 1, stage: 'moe_router' });
  });

  it('stays unjudged where its inputs were not captured either', async () => {
    const bare = without(dump('mini-q4_k_m-p12'), 'moe_router_probs', 'moe_router_logits');
    const { rows } = await judge('mini-q4_k_m', bare);
    expect(rows.filter(({ stage }) => stage === 'moe_router').every(({ count }) => count === 0)).toBe(true);
  });
});

describe('scores without their scale', () => {
  const rescaled = (trace: Trace, factor: number, ...stages: readonly string[]): Trace =>
    createTrace(
      trace.provenance,
      [...trace.captures.values()].flatMap((captured) => {
        if (stages.includes(captured.stage)) return [];
        if (captured.stage !== 'attn_scores' || !(captured.data instanceof Float32Array)) return [captured];
        return [{ ...captured, data: captured.data.map((score) => score * factor) }];
      }),
    );
  const whole = (): Trace => keptIn(dump('mini-f32-p12'), (x) => Float64Array.from(x));

  it("are ggml's product, of which the softmax is right", async () => {
    for (const trace of [rescaled(whole(), 8), rescaled(whole(), 8, 'attn_softmax')]) {
      const { verdict, rows } = await judge('mini-f32', trace);
      expect(verdict.sentence).toMatch(/^MATCH/);
      expect(rows.filter(({ stage, count }) => stage === 'attn_scores' && count > 0).length).toBe(2);
    }
  });

  it('are wrong where another factor is missing, or the softmax is theirs', async () => {
    const other = await judge('mini-f32', rescaled(whole(), 7));
    expect(other.verdict.first).toMatchObject({ layer: 0, stage: 'attn_scores' });
    const forgotten = createTrace(
      whole().provenance,
      [...rescaled(whole(), 8).captures.values()].map((captured, _, all) => {
        if (captured.stage !== 'attn_softmax') return captured;
        const scores = all.find(({ stage, layer }) => stage === 'attn_scores' && layer === captured.layer);
        return {
          ...captured,
          data: softmaxRows(scores?.data ?? new Float32Array(0), captured.shape, captured.positions),
        };
      }),
    );
    const { verdict } = await judge('mini-f32', forgotten);
    expect(verdict.first).toMatchObject({ layer: 0, stage: 'attn_scores' });
  });

  function softmaxRows(
    scores: ArrayLike<number>,
    [, nHead = 0, nKeys = 0]: readonly number[],
    positions: readonly number[],
  ): Float32Array {
    const p = new Float32Array(scores.length);
    for (const [t, position] of positions.entries()) {
      for (let h = 0; h < nHead; h++) {
        const at = (t * nHead + h) * nKeys;
        const row = Array.from({ length: position + 1 }, (_, key) => scores[at + key] ?? NaN);
        const most = Math.max(...row);
        const parts = row.map((score) => Math.exp(score - most));
        const all = parts.reduce((a, b) => a + b, 0);
        for (const [key, part] of parts.entries()) p[at + key] = part / all;
      }
    }
    return p;
  }
});

describe("parameters of the engine's graph", () => {
  const right: readonly GraphParameter[] = [
    { name: 'eps', value: Math.fround(1e-6), node: 'norm-0' },
    { name: 'ropeDims', value: 64, node: 'Qcur-1' },
    { name: 'ropeMode', value: 2, node: 'Qcur-1' },
    { name: 'ropeBase', value: 1e6, node: 'Kcur-0' },
    { name: 'ropeScale', value: 1, node: 'Kcur-0' },
    { name: 'attentionScale', value: 0.125, node: 'kq_soft_max-1' },
    { name: 'weightClamp', value: 2 ** -14, node: 'ffn_moe_weights_sum_clamped-0' },
    { name: 'gluAlpha', value: 1.702, node: 'an operation that this model has not' },
  ];
  const told = (parameters: readonly GraphParameter[]): Trace => {
    const trace = dump('mini-q4_k_m-p12');
    return { ...trace, provenance: { ...trace.provenance, parameters } };
  };

  it("that are the file's change nothing", async () => {
    const { verdict, parameters } = await judge('mini-q4_k_m', told(right));
    expect(parameters).toEqual({ compared: right.length, wrong: [] });
    expect(verdict.sentence).toMatch(/^MATCH/);
  });

  it.each([
    ['eps', Math.fround(1.0000001e-6), 'RMSNorm eps'],
    ['ropeBase', 1_000_000.0625, 'RoPE base'],
    ['ropeMode', 0, 'RoPE mode'],
    ['attentionScale', 0.12500001, 'attention scale'],
    ['weightClamp', 2 ** -13, 'smallest sum of router weights'],
  ] as const)('%s off by the least is named, where no bound sees it', async (name, off, title) => {
    const value = Math.fround(off);
    const { verdict, parameters } = await judge('mini-q4_k_m', told([...right, { name, value, node: 'node-1' }]));
    expect(verdict.status).toBe('diverged');
    expect(verdict.first).toBeUndefined();
    expect(verdict.sentence).toContain(`${title} is ${value} in node-1`);
    expect(parameters?.wrong).toMatchObject([{ name, value }]);
  });
});

describe('the table of arithmetics', () => {
  it('goes from the most exact on, at every length of a sum', () => {
    for (const n of [64, 256, 768, 2048, 4096]) {
      const all = fromMostExact(n);
      expect(all.map(({ id }) => id).sort()).toEqual(ARITHMETICS.map(({ id }) => id).sort());
      const factors = all.map((a) => boundFactor(a, n));
      expect(factors.toSorted((x, y) => x - y)).toEqual(factors);
      expect(all[0]?.id).toBe('f32');
    }
  });

  it('holds what an engine of each arithmetic computes, emulated, and is not wide of it', () => {
    const f16 = (x: number): number => f16ToNumber(f16Bits(x));
    const view = new DataView(new ArrayBuffer(4));
    const bits = (x: number, keep: number): number => {
      view.setFloat32(0, x);
      view.setUint32(0, view.getUint32(0) & ((0xffffffff << keep) >>> 0));
      return view.getFloat32(0);
    };
    const sum = (w: readonly number[], x: readonly number[], round: (v: number) => number): number =>
      w.reduce((total, value, i) => round(total + round(value * (x[i] ?? 0))), 0);
    const emulations: Readonly<Record<string, (w: readonly number[], x: readonly number[]) => number>> = {
      f32: (w, x) => sum(w, x, Math.fround),
      'f16-inputs': (w, x) => sum(w.map(f16), x.map(f16), Math.fround),
      tf32: (w, x) =>
        sum(
          w.map((v) => bits(v, 13)),
          x.map((v) => bits(v, 13)),
          Math.fround,
        ),
      'bf16-inputs': (w, x) =>
        sum(
          w.map((v) => bits(v, 16)),
          x.map((v) => bits(v, 16)),
          Math.fround,
        ),
      'f16-accumulate': (w, x) => sum(w.map(f16), x.map(f16), f16),
      fp8: (w, x) => sum(e4m3(w), e4m3(x), Math.fround),
    };
    /** e4m3 with one scale a row: three explicit bits, a step of 2^-9 below 2^-6, 448 at most. */
    function e4m3(row: readonly number[]): number[] {
      const scale = Math.max(...row.map(Math.abs)) / 448;
      return row.map((value) => {
        const size = Math.abs(value / scale);
        const step = 2 ** (Math.max(-6, Math.floor(Math.log2(size))) - 3);
        return Math.sign(value) * Math.round(size / step) * step * scale;
      });
    }
    for (const arithmetic of ARITHMETICS) {
      const emulate = emulations[arithmetic.id];
      if (emulate === undefined) continue;
      let worst = 0;
      for (const n of [64, 256, 768]) {
        const random = seededRandom(n);
        for (let k = 0; k < 60; k++) {
          const w = Array.from({ length: n }, () => Math.fround(random.normal()));
          const x = Array.from({ length: n }, () => Math.fround(random.normal()));
          const exact = w.reduce((total, value, i) => total + value * (x[i] ?? 0), 0);
          const size = w.reduce((total, value, i) => total + Math.abs(value * (x[i] ?? 0)), 0);
          const bound = gamma(n + PRODUCT_ROUNDINGS) * size * boundFactor(arithmetic, n);
          worst = Math.max(worst, Math.abs(emulate(w, x) - exact) / bound);
        }
      }
      expect(worst, arithmetic.id).toBeLessThan(1);
      expect(worst, arithmetic.id).toBeGreaterThan(1e-3);
    }
  });

  it('holds Q8_1: rounded activations are emulated, and what is left is the f16 of their sums', () => {
    const factor = ARITHMETICS.find(({ id }) => id === 'q8_1-activations');
    const random = seededRandom(81);
    let worst = 0;
    for (const n of [64, 256, 768]) {
      for (let k = 0; k < 60; k++) {
        const x = Float64Array.from({ length: n }, () => Math.fround(random.normal()));
        const rounded = roundToQ8_0(x);
        let [engine, exact, size] = [0, 0, 0];
        for (let block = 0; block < n; block += 32) {
          const raw = Array.from({ length: 32 }, () => random.normal());
          // Q4_1: sixteen steps from a block's smallest weight on.
          const m = f16ToNumber(f16Bits(Math.min(...raw)));
          const d = f16ToNumber(f16Bits((Math.max(...raw) - Math.min(...raw)) / 15));
          const own = rounded.subarray(block, block + 32);
          const codes = raw.map((value) => Math.max(0, Math.min(15, Math.round((value - m) / d))));
          const blockSum = f16ToNumber(f16Bits(own.reduce((a, b) => a + b, 0)));
          const products = codes.reduce((all, q, i) => Math.fround(all + Math.fround(q * (own[i] ?? 0))), 0);
          engine = Math.fround(engine + Math.fround(Math.fround(d * products) + Math.fround(m * blockSum)));
          for (const [i, q] of codes.entries()) {
            exact += (d * q + m) * (own[i] ?? 0);
            size += Math.abs((d * q + m) * (x[block + i] ?? 0));
          }
        }
        const bound = gamma(n + PRODUCT_ROUNDINGS) * size * (factor === undefined ? NaN : boundFactor(factor, n));
        worst = Math.max(worst, Math.abs(engine - exact) / bound);
      }
    }
    expect(worst).toBeLessThan(1);
    expect(worst).toBeGreaterThan(1e-3);
  });

  it.each([
    ['f16-kv', (x: Float64Array) => x.map((value) => f16ToNumber(f16Bits(value)))],
    ['bf16-kv', (x: Float64Array) => x.map((value) => bf16ToNumber(bf16Bits(value)))],
    ['q8-kv', roundToQ8_0],
  ] as const)('%s: keys and values that were rounded are found out, and their sums held to f32', async (id, round) => {
    const trace = keptIn(dump('mini-f32-p12'), round);
    const { verdict, arithmetic } = await judge('mini-f32', trace);
    expect(verdict.sentence).toMatch(/^MATCH/);
    const named = Object.fromEntries(arithmetic.map((a) => [a.stage, a.arithmetic]));
    expect(named).toMatchObject({ attn_scores: id, attention: id });
    for (const { worst } of arithmetic) expect(worst).toBeLessThan(0.5);
  });
});

/** Attention of a run once more, in f32, of keys and values that were rounded; of the run only what attention reads is kept. */
function keptIn(trace: Trace, round: (x: Float64Array) => Float64Array): Trace {
  const [nHead, nHeadKv, headDim] = [4, 2, 64];
  const captures: Capture[] = [];
  for (const layer of [0, 1]) {
    const captured = (stage: string): Capture => {
      const found = trace.captures.get(`layer-${layer}/${stage}`);
      if (found === undefined) throw new Error(`no ${stage}`);
      return found;
    };
    const [q, k, v] = [captured('q_post_rope'), captured('k_post_rope'), captured('v_proj')];
    const [keys, values] = [round(Float64Array.from(k.data)), round(Float64Array.from(v.data))];
    const n = q.positions.length;
    const scores = new Float32Array(n * nHead * n);
    const p = new Float32Array(n * nHead * n);
    const out = new Float32Array(n * nHead * headDim);
    for (let t = 0; t < n; t++) {
      for (let h = 0; h < nHead; h++) {
        const kv = Math.floor(h / (nHead / nHeadKv));
        const row = (t * nHead + h) * n;
        for (let key = 0; key < n; key++) {
          let sum = 0;
          for (let i = 0; i < headDim; i++) {
            const [a = 0, b = 0] = [q.data[(t * nHead + h) * headDim + i], keys[(key * nHeadKv + kv) * headDim + i]];
            sum = Math.fround(sum + Math.fround(a * b));
          }
          scores[row + key] = sum / 8;
        }
        const seen = scores.subarray(row, row + t + 1);
        const most = Math.max(...seen);
        const parts = [...seen].map((score) => Math.exp(score - most));
        const all = parts.reduce((a, b) => a + b, 0);
        for (const [key, part] of parts.entries()) p[row + key] = part / all;
        for (let i = 0; i < headDim; i++) {
          let sum = 0;
          for (let key = 0; key <= t; key++)
            sum = Math.fround(
              sum + Math.fround((p[row + key] ?? 0) * (values[(key * nHeadKv + kv) * headDim + i] ?? 0)),
            );
          out[(t * nHead + h) * headDim + i] = sum;
        }
      }
    }
    const { positions } = q;
    captures.push(
      ...[q, k, v],
      { stage: 'attn_scores', layer, positions, shape: [n, nHead, n], data: scores },
      { stage: 'attn_softmax', layer, positions, shape: [n, nHead, n], data: p },
      { stage: 'attention', layer, positions, shape: [n, nHead * headDim], data: out },
    );
  }
  return createTrace(trace.provenance, captures);
}
