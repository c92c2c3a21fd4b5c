import { afterEach, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import type { MatmulJob, MatmulResult } from '../../src/cpu/pool/cpu-pool';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { AGREEMENT, createExactGpuPool, type ExactGpuPool } from '../../src/exact-gpu/exact-gpu-pool';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { isQuantType, rowBytes, type QuantType } from '../../src/gguf/ggml-types';
import type { ModelFile } from '../../src/gguf/model-file';
import { randomBlocks } from '../../src/gguf/random-blocks';
import { EXACT_TYPES } from '../../src/gpu/exact/exact-kernels';
import type { WeightTensor } from '../../src/gguf/tensor-rows';
import { testContext } from '../support/gpu';
import { exactDot } from './exact-dot';

interface Weights {
  readonly tensor: WeightTensor;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

function weights(
  type: QuantType,
  nIn: number,
  nOut: number,
  nExpert: number | undefined,
  bytes: Uint8Array<ArrayBuffer>,
): Weights {
  const dims = nExpert === undefined ? [nIn, nOut] : [nIn, nOut, nExpert];
  return {
    bytes,
    tensor: { name: 'w', type, dims, elements: dims.reduce((a, b) => a * b), bytes: bytes.length, part: 0, offset: 0 },
  };
}

function randomWeights(type: QuantType, nIn: number, nOut: number, nExpert?: number): Weights {
  const random = seededRandom(nIn * 31 + nOut);
  return weights(type, nIn, nOut, nExpert, randomBlocks(type, nIn * nOut * (nExpert ?? 1), 0.05, random));
}

function modelOf({ tensor, bytes }: Weights): ModelFile {
  return {
    name: 'weights.gguf',
    version: 3,
    bytes: bytes.length,
    headerBytes: 0,
    headerSha256: '',
    metadata: new Map(),
    tensors: new Map([[tensor.name, tensor]]),
    descriptors: [],
    bytesRead: 0,
    readTensor: (_, offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}

function row({ tensor, bytes }: Weights, index: number): Float32Array {
  const nIn = tensor.dims[0] ?? 0;
  const out = new Float32Array(nIn);
  dequantizeRows(tensor.type, bytes, index * rowBytes(tensor.type, nIn), out, 0, nIn);
  return out;
}

/** Values with the 24 bits of f32, so that grids hold them whole. */
function activations(nTokens: number, nIn: number, seed = 7): Float64Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Float64Array.from({ length: nTokens * nIn }, () => Math.fround(random.normal()));
}

let open: ExactGpuPool | undefined;
afterEach(async () => {
  await open?.dispose();
  open = undefined;
});

async function poolFor(of: Weights, budget = 2 ** 26): Promise<ExactGpuPool> {
  const model = modelOf(of);
  open = createExactGpuPool({ context: await testContext(), model, cpu: createInlinePool(model), budget });
  return open;
}

async function onCpu(of: Weights, job: MatmulJob): Promise<MatmulResult> {
  const cpu = createInlinePool(modelOf(of));
  const [result] = await cpu.run([job], {});
  await cpu.dispose();
  if (result === undefined) throw new Error('no result');
  return result;
}

function job({ tensor }: Weights, x: Float64Array<ArrayBuffer>, part: Partial<MatmulJob> = {}): MatmulJob {
  const [nIn = 1, nOut = 1] = tensor.dims;
  return { tensor, firstRow: 0, rows: nOut, nTokens: x.length / nIn, x, magnitudes: 0, ...part };
}

const SHAPES = [
  [256, 1, 1],
  [512, 70, 1],
  [768, 65, 5],
] as const;

describe.each(EXACT_TYPES.filter(isQuantType))('exact products of %s', (type) => {
  it.each(SHAPES)(
    'with %i values, %i rows, %i tokens equal the exact sums, rounded once',
    async (nIn, nOut, nTokens) => {
      const of = randomWeights(type, nIn, nOut);
      const pool = await poolFor(of);
      const x = activations(nTokens, nIn);
      const [result] = await pool.run([job(of, x)], {});
      const expected: number[] = [];
      for (let t = 0; t < nTokens; t++) {
        for (let r = 0; r < nOut; r++) expected.push(exactDot(row(of, r), x.subarray(t * nIn, (t + 1) * nIn)));
      }
      expect([...(result?.y ?? [])]).toEqual(expected);
      expect(pool.counts()).toMatchObject({ gpu: nTokens * nOut, cpu: 0 });
      expect(pool.counts().sampled).toBeGreaterThan(0);
    },
  );

  it('give magnitudes that are no smaller than the exact ones, and hardly larger', async () => {
    const of = randomWeights(type, 512, 40);
    const pool = await poolFor(of);
    const x = activations(3, 512);
    const asked = job(of, x, { magnitudes: 2 });
    const [result] = await pool.run([asked], {});
    const exact = await onCpu(of, asked);
    expect(exact.magnitudes).toHaveLength(2 * 40);
    expect(result?.magnitudes).toHaveLength(2 * 40);
    for (const [i, size] of (exact.magnitudes ?? []).entries()) {
      const actual = result?.magnitudes?.[i] ?? NaN;
      expect(actual).toBeGreaterThanOrEqual(size);
      expect(actual).toBeLessThanOrEqual(size * 1.001);
    }
  });
});

describe('exact products', () => {
  it('multiply experts of a stack, each with its tokens', async () => {
    const of = randomWeights('Q4_K', 256, 33, 5);
    const pool = await poolFor(of);
    const jobs = [0, 3, 4].map((expert) => {
      return job(of, activations(expert + 1, 256, expert + 1), { firstRow: expert * 33, magnitudes: expert });
    });
    const results = await pool.run(jobs, {});
    for (const [i, asked] of jobs.entries()) {
      for (let t = 0; t < asked.nTokens; t++) {
        for (let r = 0; r < 33; r++) {
          const expected = exactDot(row(of, asked.firstRow + r), asked.x.subarray(t * 256, (t + 1) * 256));
          expect(results[i]?.y[t * 33 + r]).toBe(expected);
        }
      }
    }
  });

  it('share an x that several jobs are given', async () => {
    const of = randomWeights('Q6_K', 256, 20, 3);
    const pool = await poolFor(of);
    const x = activations(2, 256);
    const jobs = [2, 0].map((expert) => job(of, x, { firstRow: expert * 20 }));
    const results = await pool.run(jobs, {});
    for (const [i, asked] of jobs.entries())
      expect(results[i]?.y[21]).toBe(exactDot(row(of, asked.firstRow + 1), x.subarray(256)));
  });

  it('agree with the loops of the CPU for activations of any spread', async () => {
    const of = randomWeights('Q8_0', 1024, 50);
    const pool = await poolFor(of);
    const random = seededRandom(3);
    const x = Float64Array.from({ length: 4 * 1024 }, (_, i) => {
      const spread = [0, 3, 12, 30][Math.floor(i / 1024)] ?? 0;
      return random.normal() * 2 ** (spread * random.normal());
    });
    const asked = job(of, x, { magnitudes: 4 });
    const [result] = await pool.run([asked], {});
    const cpu = await onCpu(of, asked);
    for (const [i, expected] of cpu.y.entries()) {
      expect(Math.abs((result?.y[i] ?? NaN) - expected)).toBeLessThanOrEqual(AGREEMENT * (cpu.magnitudes?.[i] ?? 0));
    }
    expect(pool.counts().cpu).toBe(0);
  });

  it('leave what is not finite to the CPU: the bits of its result', async () => {
    const of = randomWeights('Q8_0', 256, 12);
    // An infinite scale in row 3, a NaN in row 7.
    const bytesPerRow = rowBytes('Q8_0', 256);
    new DataView(of.bytes.buffer).setUint16(3 * bytesPerRow, 0x7c00, true);
    new DataView(of.bytes.buffer).setUint16(7 * bytesPerRow + 34, 0x7e00, true);
    const pool = await poolFor(of);
    const x = activations(3, 256);
    x[256 + 5] = NaN;
    x[512 + 9] = Infinity;
    const asked = job(of, x);
    const [result] = await pool.run([asked], {});
    const cpu = await onCpu(of, asked);
    for (const [i, expected] of cpu.y.entries()) {
      const actual = result?.y[i] ?? 0;
      if (Number.isFinite(expected)) expect(Math.abs(actual - expected)).toBeLessThan(1e-12);
      else expect(actual).toBe(expected);
    }
    expect(pool.counts().cpu).toBeGreaterThan(0);
  });

  it('leave blocks whose values ggml rounds to the CPU', async () => {
    const of = randomWeights('Q4_K', 256, 6);
    // dmin of row 2 a million times its d: scale * q and the minimum no longer fit 24 bits together.
    const bytesPerRow = rowBytes('Q4_K', 256);
    new DataView(of.bytes.buffer).setUint16(2 * bytesPerRow, 0x0001, true);
    new DataView(of.bytes.buffer).setUint16(2 * bytesPerRow + 2, 0x7000, true);
    const pool = await poolFor(of);
    const asked = job(of, activations(2, 256));
    const [result] = await pool.run([asked], {});
    const cpu = await onCpu(of, asked);
    expect(result?.y[2]).toBe(cpu.y[2]);
    expect(result?.y[8]).toBe(cpu.y[8]);
    expect(pool.counts().cpu).toBe(2);
  });

  it('sum MXFP4 blocks over the range of their exponents, and refuse what lies beyond', async () => {
    const of = randomWeights('MXFP4', 256, 4);
    const bytesPerRow = rowBytes('MXFP4', 256);
    const exponents = [
      [0, 1, 2, 3, 4, 5, 6, 7],
      [90, 91, 100, 110, 120, 130, 140, 149],
      [10, 200, 100, 100, 100, 100, 100, 100],
      [252, 251, 250, 240, 230, 220, 210, 200],
    ];
    for (const [r, list] of exponents.entries())
      for (const [b, e] of list.entries()) of.bytes[r * bytesPerRow + b * 17] = e;
    const pool = await poolFor(of);
    const x = activations(1, 256);
    const [result] = await pool.run([job(of, x)], {});
    for (const r of [0, 1, 3]) expect(result?.y[r]).toBe(exactDot(row(of, r), x));
    expect(pool.counts().cpu).toBe(1);
  });

  it('evict what was used longest ago when the budget is small', async () => {
    const of = randomWeights('Q4_0', 256, 16, 8);
    const pool = await poolFor(of, 1);
    const x = activations(1, 256);
    for (const expert of [0, 5, 0, 7]) {
      const [result] = await pool.run([job(of, x, { firstRow: expert * 16 })], {});
      expect(result?.y[3]).toBe(exactDot(row(of, expert * 16 + 3), x));
    }
  });

  it('cancel', async () => {
    const of = randomWeights('Q4_0', 256, 16);
    const pool = await poolFor(of);
    await expect(pool.run([job(of, activations(1, 256))], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'run-cancelled',
    });
  });
});
