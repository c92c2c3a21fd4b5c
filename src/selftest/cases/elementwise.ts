import { kernelName } from '../../ops/kernel-spec';
import { plural } from '../../base/format';
import { seededRandom } from '../../base/random';
import { addBound } from '../../ops/add/bound';
import { ropeBound } from '../../ops/rope/bound';
import { swigluBound } from '../../ops/swiglu/bound';
import { weightedSumBound } from '../../ops/weighted-sum/bound';
import { add } from '../../ops/add/exact';
import { rope, ropeTable } from '../../ops/rope/exact';
import { swiglu } from '../../ops/swiglu/exact';
import { weightedSum } from '../../ops/weighted-sum/exact';
import { ropeTable as gpuRopeTable } from '../../gpu/engine/rope-table';
import { linearGrid } from '../../ops/kernel-grid';
import { KERNEL_TABLE } from '../../gpu/kernel-table';
import { expectFloats, expectNothing, expectWords, putFloats, type Expected } from '../expected';
import { inputValues, wide, type InputKind } from '../inputs';
import type { CaseWork, SelftestCase } from '../selftest-case';

/** Lanes of a workgroup in the kernels that give each value a lane. */
const LANES = 64;

/** One, a workgroup less one, a workgroup, one more, a prime; each with values of another kind. */
const COUNTS: readonly (readonly [number, InputKind])[] = [
  [1, 'normal'],
  [LANES - 1, 'large'],
  [LANES, 'minus-zero'],
  [LANES + 1, 'subnormal'],
  [997, 'normal'],
  [130, 'zero'],
];

function addCase([count, kind]: readonly [number, InputKind]): SelftestCase {
  return plain('add', `${plural(count, 'value')}, ${kind}`, () => {
    const [a, b] = [inputValues(kind, count, 1), inputValues(kind, count, 2)];
    const bound = addBound(wide(a), wide(b));
    const y = add(wide(a), wide(b));
    return work({ a, b }, { y: expectFloats(y, bound) }, { count }, count);
  });
}

function swigluCase([count, kind]: readonly [number, InputKind]): SelftestCase {
  return plain('swiglu', `${plural(count, 'value')}, ${kind}`, () => {
    const gate = inputValues(kind === 'large' ? 'normal' : kind, count, 3).map((g) => (kind === 'large' ? 40 * g : g));
    const up = inputValues(kind, count, 4);
    return swigluWork(gate, up);
  });
}

/** Where exp overflows, vanishes or leaves one factor alone. */
const SWIGLU_ENDS = plain('swiglu', 'gates at the ends of exp', () => {
  const gate = Float32Array.of(-1e30, -500, -104, -88, -87, -20, -1e-30, 0, -0, 1e-30, 20, 87, 88, 500, 1e30);
  return swigluWork(gate, new Float32Array(gate.length).fill(1.5));
});

function swigluWork(gate: Float32Array<ArrayBuffer>, up: Float32Array<ArrayBuffer>): CaseWork {
  const count = gate.length;
  // g / (1 + exp(-g)) in f64 for g = -1e30 is -1e30 / Infinity: -0, as it should be.
  const y = swiglu(wide(gate), wide(up));
  return work({ gate, up }, { y: expectFloats(y, swigluBound(wide(gate), wide(up))) }, { count }, count);
}

function weightedSumCase([tokens, rowLength, nUsed]: readonly [number, number, number]): SelftestCase {
  return plain('weightedSum', `${plural(tokens, 'token')} of ${rowLength}, ${plural(nUsed, 'slot')}`, () => {
    const weights = inputValues('normal', tokens * nUsed, 5);
    const x = inputValues('normal', tokens * nUsed * rowLength, 6);
    const count = tokens * rowLength;
    const y = weightedSum(wide(weights), wide(x), tokens, nUsed, rowLength);
    const bound = weightedSumBound(wide(weights), wide(x), y, tokens, nUsed, rowLength);
    return work({ weights, x }, { y: expectFloats(y, bound) }, { count, rowLength, nUsed }, count);
  });
}

interface RopeShape {
  readonly tokens: number;
  readonly heads: number;
  readonly headDim: number;
  readonly first: number;
}

function ropeCase({ tokens, heads, headDim, first }: RopeShape): SelftestCase {
  const shape = `${plural(tokens, 'token')}, ${plural(heads, 'head')} of ${headDim}, from position ${first}`;
  return plain('rope', shape, () => {
    const theta = 1e6;
    const pairs = headDim / 2;
    const x = inputValues('normal', tokens * heads * headDim, 7);
    const yOffset = 2 * heads * headDim;
    const y = new Float64Array(x.length);
    const bound = new Float64Array(x.length);
    for (let t = 0; t < tokens; t++) {
      const table = ropeTable(first + t, theta, headDim);
      for (let h = 0; h < heads; h++) {
        const at = (t * heads + h) * headDim;
        rope(wide(x), at, table, y, at);
        ropeBound(wide(x), at, table, first + t, bound, at);
      }
    }
    const expected = expectNothing(yOffset + x.length);
    putFloats(expected, yOffset, y, bound);
    const count = tokens * heads * pairs;
    const table = gpuRopeTable(first, tokens, theta, headDim);
    return work({ x, table }, { y: expected }, { count, pairs, heads, yOffset }, count);
  });
}

const COPY_ROWS = plain('copyRows', '7 rows of 13 out of 31, any bits, from an offset', () => {
  const random = seededRandom(3);
  const [rows, rowLength, xStride, xOffset, yOffset] = [7, 13, 31, 17, 26];
  const x = Uint32Array.from({ length: rows * xStride }, () => random.uint32());
  // A signalling NaN, and a subnormal: bits are kept.
  x[xOffset] = 0x7f800001;
  x[xOffset + 1] = 1;
  const count = rows * rowLength;
  const copied = Array.from({ length: count }, (_, i) => {
    const row = Math.floor(i / rowLength);
    return x[row * xStride + xOffset + (i % rowLength)] ?? 0;
  });
  const expected = expectNothing(yOffset + count);
  const exact = expectWords(copied);
  putFloats(expected, yOffset, exact.values, exact.bounds);
  return work({ x }, { y: expected }, { count, rowLength, xStride, xOffset, yOffset }, count);
});

type PlainName = 'add' | 'copyRows' | 'rope' | 'swiglu' | 'weightedSum';

function plain(name: PlainName, shape: string, make: () => CaseWork): SelftestCase {
  const spec = KERNEL_TABLE[name];
  const type = name === 'copyRows' ? 'u32' : 'f32';
  return { kernel: kernelName(spec), types: [type], shape, spec, variant: spec.variants[0], make };
}

function work(
  inputs: CaseWork['inputs'],
  expected: Readonly<Record<'y', Expected>>,
  params: Readonly<Record<string, number>>,
  lanes: number,
): CaseWork {
  const calls = [{ params, grid: linearGrid(lanes, LANES) }];
  return { inputs, outputs: { y: expected.y.bounds.length }, calls, expected };
}

/** Kernels of one lane a value. */
export const ELEMENTWISE_CASES: readonly SelftestCase[] = [
  ...COUNTS.map(addCase),
  ...COUNTS.map(swigluCase),
  SWIGLU_ENDS,
  ...(
    [
      [1, 1, 1],
      [3, 67, 2],
      [5, 64, 8],
      [2, 300, 3],
    ] as const
  ).map(weightedSumCase),
  ...(
    [
      { tokens: 1, heads: 1, headDim: 2, first: 0 },
      { tokens: 3, heads: 5, headDim: 14, first: 7 },
      { tokens: 2, heads: 4, headDim: 128, first: 4095 },
      { tokens: 65, heads: 1, headDim: 64, first: 0 },
    ] as const
  ).map(ropeCase),
  COPY_ROWS,
];
