import { f32FromBits } from '../../base/float';
import { ARGMAX_LAST, ARGMAX_PARTS } from '../../gpu/decode/argmax';
import { expectWords } from '../expected';
import { inputValues } from '../inputs';
import type { SelftestCase } from '../selftest-case';

/** A u32 that orders as the f32 does, by value and not by bits: NaN is 0, below all else; the two zeros are equal. */
function keyOf(value: number, bits: number): number {
  if (Number.isNaN(value)) return 0;
  if (value === 0) return 0x80000000;
  return value > 0 ? (bits | 0x80000000) >>> 0 : ~bits >>> 0;
}

function partsCase(shape: string, perGroup: number, values: () => Uint32Array<ArrayBuffer>): SelftestCase {
  const spec = ARGMAX_PARTS;
  return {
    ...{ kernel: 'sampling/argmax_parts', types: ['u32'], shape, spec, variant: spec.variants[0] },
    make: () => {
      const x = values();
      const count = x.length;
      const groups = Math.ceil(count / perGroup);
      const parts: number[] = [];
      for (let g = 0; g < groups; g++) {
        let best = [0, 0xffffffff];
        for (let i = g * perGroup; i < Math.min(count, (g + 1) * perGroup); i++) {
          const key = keyOf(f32FromBits(x[i] ?? 0), x[i] ?? 0);
          if (key > (best[0] ?? 0) || (key === best[0] && i < (best[1] ?? 0))) best = [key, i];
        }
        parts.push(...best);
      }
      return {
        inputs: { x },
        outputs: { parts: 2 * groups },
        calls: [{ params: { count, perGroup }, grid: [groups] }],
        expected: { parts: expectWords(parts) },
      };
    },
  };
}

function lastCase(shape: string, pairs: readonly (readonly [key: number, index: number])[]): SelftestCase {
  const spec = ARGMAX_LAST;
  return {
    ...{ kernel: 'sampling/argmax_last', types: ['u32'], shape, spec, variant: spec.variants[0] },
    make: () => {
      const most = Math.max(...pairs.map(([key]) => key));
      const token = Math.min(...pairs.filter(([key]) => key === most).map(([, index]) => index));
      return {
        inputs: { parts: Uint32Array.from(pairs.flat()) },
        outputs: { token: 1 },
        calls: [{ params: { count: pairs.length }, grid: [1] }],
        expected: { token: expectWords([token]) },
      };
    },
  };
}

const bitsOf = (values: Float32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => new Uint32Array(values.buffer);

/** The search for the largest logit. */
export const ARGMAX_CASES: readonly SelftestCase[] = [
  partsCase('1 value', 1, () => bitsOf(Float32Array.of(-3))),
  partsCase('1,000 values in parts of 301, ties', 301, () =>
    bitsOf(inputValues('normal', 1000, 95).map((v) => Math.round(v))),
  ),
  partsCase('zeros of both signs, subnormals, infinities, NaN', 5, () =>
    bitsOf(Float32Array.of(-0, 0, -1e-45, NaN, -1, NaN, NaN, NaN, NaN, NaN, 1e-45, 0, -Infinity, Infinity, NaN)),
  ),
  partsCase('all below zero', 400, () => bitsOf(inputValues('normal', 777, 96).map((v) => -Math.abs(v)))),
  lastCase('1 part', [[7, 41]]),
  lastCase('128 parts, the best twice', [
    ...Array.from({ length: 126 }, (_, i) => [0x80000000 + ((i * 7919) % 1000), 50 * i] as const),
    [0x90000000, 9000],
    [0x90000000, 8999],
  ]),
  lastCase(
    '300 parts, the best the last',
    Array.from({ length: 300 }, (_, i) => [i + 1, i] as const),
  ),
  // A part a lane: without its barrier the search loses what lanes hold that run late, whichever these are.
  ...[32, 96, 160, 224].map((place) =>
    lastCase(
      `256 parts, the best at ${place}`,
      Array.from({ length: 256 }, (_, i) => [i === place ? 1000 : 1 + (i % 7), i] as const),
    ),
  ),
];
