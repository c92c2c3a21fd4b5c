import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random';
import { dequantizeRows } from '../../../src/gguf/dequant/dequantisers';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../../src/gguf/ggml-types';
import { randomBlocks } from '../../../src/gguf/random-blocks';
import { typeOf } from '../../../src/types/types';
import {
  mistakenType,
  nonFiniteScale,
  patched,
  scaleBitFlip,
  weightBitFlip,
  type BytePatch,
} from '../../../src/gpu/faults/weight-bits';

const ROW = 512;

/** Indices of a row's values that a patch changes, with old and new values. */
function changes(type: QuantType, patches: readonly BytePatch[]): readonly (readonly [number, number, number])[] {
  const bytes = randomBlocks(type, ROW, 1, seededRandom(7));
  const before = values(type, bytes);
  for (const patch of patches) bytes[patch.at] = patched(bytes[patch.at] ?? 0, patch);
  const after = values(type, bytes);
  return [...before].flatMap((x, i) => (Object.is(x, after[i]) ? [] : [[i, x, after[i] ?? 0] as const]));
}

function values(type: QuantType, bytes: Uint8Array): Float32Array {
  const out = new Float32Array(ROW);
  dequantizeRows(type, bytes, 0, out, 0, ROW);
  return out;
}

/** Weights of a row that a bit of the first one tells of as well: an eighth sign that follows the other seven, a row of a grid, base-3 digits. */
const SHARED: Partial<Record<QuantType, readonly number[]>> = {
  IQ2_XXS: [0, 7],
  IQ2_XS: [0, 7],
  IQ3_XXS: [0, 7],
  IQ1_S: [0, 1, 2, 3, 4, 5, 6, 7],
  IQ1_M: [0, 1, 2, 3, 4, 5, 6, 7],
  TQ1_0: [0, 32, 64, 96, 128],
};

describe.each(QUANT_TYPES)('%s', (type) => {
  const { blockSize } = ggmlType(type);

  it('has a bit of its first weight, and of no other that can be left alone', () => {
    const struck = changes(type, weightBitFlip(type)).map(([i]) => i);
    const shared = SHARED[type] ?? [0];
    expect(struck.filter((i) => !shared.includes(i))).toEqual([]);
    expect(struck.length).toBeGreaterThan(0);
  });

  it('has a value of its first block that can become infinite, and a NaN where the type has one', () => {
    if (type === 'NVFP4') {
      expect(() => nonFiniteScale(type, 'inf')).toThrow(RangeError);
      expect(() => nonFiniteScale(type, 'nan')).toThrow(RangeError);
      return;
    }
    const struck = changes(type, nonFiniteScale(type, 'inf'));
    expect(Math.max(...struck.map(([i]) => i))).toBeLessThan(blockSize);
    expect(struck.some(([, , now]) => !Number.isFinite(now))).toBe(true);
    if (type === 'MXFP4') return;
    expect(changes(type, nonFiniteScale(type, 'nan')).some(([, , now]) => Number.isNaN(now))).toBe(true);
  });

  it('is mistaken for another type of its family', () => {
    const other = mistakenType(type);
    expect(other).not.toBe(type);
    expect(blockSize % ggmlType(other).blockSize).toBe(0);
  });
});

it.each(QUANT_TYPES.filter((t) => ggmlType(t).blockSize > 1 && typeOf(t).floats[0].format === 'f16'))(
  '%s has a scale of ten mantissa bits, each half of the one above',
  (type) => {
    const steps = Array.from({ length: 10 }, (_, bit) => {
      const struck = changes(type, scaleBitFlip(type, bit));
      expect(Math.max(...struck.map(([i]) => i))).toBeLessThan(ggmlType(type).blockSize);
      // With a minimum (Q4_1, Q4_K) values move by a share of their scaled part: the same for all bits.
      const [, before, after] = struck[0] ?? [0, 0, 0];
      return Math.abs(after - before);
    });
    const ratios = steps.slice(1).map((step, i) => step / (steps[i] ?? 0));
    for (const ratio of ratios) expect(ratio).toBeCloseTo(2, 1);
  },
);
