import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createGgmlCpuEngine } from '../../src/cpu/ggml/ggml-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import { ARITHMETICS, boundFactor } from '../../src/judge/arithmetics';
import { judgeTrace, type Judgement } from '../../src/judge/judge-trace';
import { readHParams } from '../../src/model/read-hparams';
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
      [...whole.taps.values()].filter((tap) => tap.stage === 'moe_ffn_out'),
    );
    expect((await judge('mini-q4_k_m', lone)).verdict).toMatchObject({ status: 'incomplete' });
    const late = createTrace(
      whole.provenance,
      [...whole.taps.values()].map((tap) => ({ ...tap, positions: tap.positions.map((p) => p + 1) })),
    );
    await expect(judge('mini-q4_k_m', late)).rejects.toMatchObject({ code: 'trace-format' });
  });
});

describe('the table of arithmetics', () => {
  it('goes from the most exact on, at every length of a sum', () => {
    for (const n of [64, 256, 768, 2048, 4096]) {
      const factors = ARITHMETICS.filter((a) => a.excess !== undefined).map((a) => boundFactor(a, n));
      expect(factors.toSorted((x, y) => x - y)).toEqual(factors);
      expect(factors[0]).toBe(1);
    }
  });

  it('holds what an engine of each arithmetic computes, emulated, and is not wide of it', async () => {
    const { f16Bits, f16ToNumber } = await import('../../src/base/float');
    const { seededRandom } = await import('../../src/base/random');
    const { gamma, PRODUCT_ROUNDINGS } = await import('../../src/base/f32-error');
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
    };
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
});
