import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { ggmlType, QUANT_TYPES } from '../../src/gguf/ggml-types';
import { randomBlocks } from '../../src/gguf/random-blocks';

const N = 256 * 200;

function values(type: (typeof QUANT_TYPES)[number], rms: number, seed = 5): Float32Array {
  const out = new Float32Array(N);
  dequantizeRows(type, randomBlocks(type, N, rms, seededRandom(seed)), 0, out, 0, N);
  return out;
}

describe.each(QUANT_TYPES)('%s', (type) => {
  // 1e-3 needs subnormal f16 scales in some types: as coarse as in real files.
  it.each([1, 0.02, 1e-3])('has the wanted RMS %d and a mean near zero', (wanted) => {
    const v = values(type, wanted);
    expect(v.every(Number.isFinite)).toBe(true);
    const rms = Math.sqrt(v.reduce((s, x) => s + x * x, 0) / N);
    const mean = v.reduce((s, x) => s + x, 0) / N;
    expect(rms / wanted).toBeGreaterThan(0.9);
    expect(rms / wanted).toBeLessThan(1.1);
    expect(Math.abs(mean) / wanted).toBeLessThan(0.03);
  });

  it('is the same for the same seed and another for another', () => {
    expect(values(type, 1)).toEqual(values(type, 1));
    expect(values(type, 1, 6)).not.toEqual(values(type, 1));
  });

  it('sets every bit of the block at times, and clears it', () => {
    const { typeSize, blockSize } = ggmlType(type);
    const bytes = randomBlocks(type, blockSize * 1000, 1, seededRandom(9));
    const ones = new Uint8Array(typeSize);
    const zeros = new Uint8Array(typeSize);
    for (let i = 0; i < bytes.length; i++) {
      const at = i % typeSize;
      ones[at] = (ones[at] ?? 0) | (bytes[i] ?? 0);
      zeros[at] = (zeros[at] ?? 0) | ~(bytes[i] ?? 0);
    }
    // Scales stay near their value: their exponent bits need not vary. All else must.
    const fixed = [...ones.keys()].filter((i) => ones[i] !== 255 || zeros[i] !== 255);
    expect(fixed.length).toBeLessThanOrEqual(FIXED_BYTES[type] ?? 2);
  });
});

/** Bytes that hold exponents of scales: two f16 high bytes at most, four of NVFP4; for the float types every value's own. */
const FIXED_BYTES: Partial<Record<string, number>> = { MXFP4: 1, NVFP4: 4, F32: 1 };

it('refuses half blocks', () => {
  expect(() => randomBlocks('Q4_K', 128, 1, seededRandom(1))).toThrow(RangeError);
});
