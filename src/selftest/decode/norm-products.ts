import { UNIT } from '../../base/f32-error';
import { againstCapture, compose, FLUSH } from '../../ops/rounding';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import { HEAD } from '../../fusions/head/fusion';
import { QKV, qkvJob } from '../../fusions/qkv/fusion';
import { ROUTER } from '../../fusions/router/fusion';
import { rowsPerGroup, laneGroupVariant } from '../../fusions/lane-groups';
import { repackRows } from '../../gpu/matmul/repack';
import { gpuRowWords } from '../../ops/weight-layout';
import { expectNothing, putFloat, putKey, type Expected } from '../expected';
import { inputValues, wide, type InputKind } from '../inputs';
import type { SelftestCase } from '../selftest-case';
import { weightRows } from '../weight-rows';
import { BY_32, BY_SUBGROUP, BY_WORKGROUP, PLAIN_DEEP, type DecodeMethod } from './decode-methods';
import { normScale, rowMaker, type NormScale } from './normed-product';
import { streamOf } from './places';

/** The norm's eps as kernels are told it. */
export const EPS = Math.fround(1e-6);

/** A residual stream, what of it meets the weights, and its norm's scale. */
export interface FedStream {
  readonly stream: Float32Array<ArrayBuffer>;
  readonly gain: Float32Array<ArrayBuffer>;
  /** As the kernel is fed it, f32; exact where the kernel multiplies x with the gain itself. */
  readonly gained: Float64Array<ArrayBuffer>;
  readonly scale: NormScale;
}

/**
 * @param squareCount parts of the sum of squares: the kernel is told the parts, whatever the values are
 * @param size mean of the squares; near eps it makes eps count
 */
export function fedStream(nIn: number, squareCount: number, kind: InputKind, seed: number, size = 1): FedStream {
  const x = inputValues(kind, nIn, seed);
  const gain = inputValues('normal', nIn, seed + 1);
  const gained = x.map((v, i) => v * (gain[i] ?? NaN));
  const squares = inputValues('normal', squareCount, seed + 2).map((v) => size * nIn * v * v);
  return {
    stream: streamOf(x, gained, squares),
    gain,
    gained: wide(gained),
    scale: normScale(squares, nIn, EPS),
  };
}

/** Captures of the normed row, gained * scale: the gain's product where the kernel multiplies it, the scale's error and product, the capture. */
function putNormed(captures: Expected, at: number, { gained, scale }: FedStream): void {
  gained.forEach((v, i) => {
    const value = v * scale.value;
    const flushes = 4 * FLUSH * (1 + scale.value);
    putFloat(
      captures,
      at + i,
      value,
      againstCapture(Math.abs(value) * compose(scale.error, UNIT, UNIT) + flushes, value),
    );
  });
}

interface Shape {
  readonly nIn: number;
  readonly rows: number;
  readonly kind?: InputKind;
  /** Parts of the sum of squares. */
  readonly squares?: number;
  /** Mean of the squares. */
  readonly size?: number;
}

function headCase(type: QuantType, method: DecodeMethod, shape: Shape, isExtra: boolean): SelftestCase {
  const { nIn, rows, kind = 'normal', squares = 3, size = 1 } = shape;
  const { laneGroup, choice } = method;
  const firstRow = 2;
  return {
    ...{ kernel: 'fusions/head', types: [type], spec: HEAD, isExtra, needs: method.needs },
    variant: laneGroupVariant(choice, laneGroup, { nIn, types: { '': type } }),
    shape: `${nIn} to ${rows}, after ${firstRow} others, ${size === 1 ? kind : `norm of ${size}, near eps`}, ${method.name}`,
    make: () => {
      const x = fedStream(nIn, squares, kind, 21, size);
      const matrix = weightRows(type, rows, nIn, 'normal', 22);
      const product = rowMaker(matrix);
      const y = expectNothing(firstRow + rows);
      for (let r = 0; r < rows; r++) {
        const { value, bound } = product(r, x.gained, x.scale);
        putFloat(y, firstRow + r, value, bound);
      }
      const captures = expectNothing(nIn);
      putNormed(captures, 0, x);
      const params = {
        ...{ batches: laneGroup.batches, rows, step: gpuRowWords(type, nIn) / 4, firstRow },
        ...{ eps: EPS, squareCount: squares, captureNorm: 0 },
      };
      const groups = Math.ceil(rows / rowsPerGroup(laneGroup));
      return {
        inputs: { stream: x.stream, weights: repackRows(type, matrix.bytes, rows, nIn) },
        outputs: { y: firstRow + rows, captures: nIn },
        // Folded from x into z, as a large vocabulary is.
        calls: [{ params, grid: [Math.ceil(groups / 2), 1, 2] }],
        expected: { y, captures },
      };
    },
  };
}

/** The same for a kernel that reads x and the gain: their exact products. */
function multiplied(fed: FedStream, nIn: number): FedStream {
  return { ...fed, gained: wide(fed.stream.subarray(0, nIn)).map((v, i) => v * (fed.gain[i] ?? NaN)) };
}

function routerCase(type: QuantType, method: DecodeMethod, shape: Shape, isExtra: boolean): SelftestCase {
  const { nIn, rows, kind = 'normal', squares = 3 } = shape;
  const { laneGroup, choice } = method;
  return {
    ...{ kernel: 'fusions/router', types: [type], spec: ROUTER, isExtra, needs: method.needs },
    variant: laneGroupVariant(choice, laneGroup, { nIn, types: { '': type } }),
    shape: `${nIn} to ${rows} experts, ${kind}, ${method.name}`,
    make: () => {
      const x = multiplied(fedStream(nIn, squares, kind, 31), nIn);
      const matrix = weightRows(type, rows, nIn, 'normal', 32);
      // The gain is multiplied in the kernel.
      const product = rowMaker(matrix, 1);
      const padded = Math.ceil(rows / 32) * 32;
      const y = expectNothing(2 * padded);
      const captures = expectNothing(nIn + rows);
      putNormed(captures, 0, x);
      for (let r = 0; r < rows; r++) {
        const { value, bound } = product(r, x.gained, x.scale);
        putFloat(y, padded + r, value, bound);
        putFloat(captures, nIn + r, value, bound);
        // The key orders as the value does: read back as a float it is within the same bound.
        putKey(y, r, value, bound);
      }
      const params = {
        ...{ batches: laneGroup.batches, rows, step: gpuRowWords(type, nIn) / 4 },
        ...{ eps: EPS, squareCount: squares, captureNorm: 0, captureLogits: nIn },
      };
      return {
        inputs: { stream: x.stream, gain: x.gain, weights: repackRows(type, matrix.bytes, rows, nIn) },
        outputs: { y: 2 * padded, captures: nIn + rows },
        calls: [{ params, grid: [Math.ceil(rows / rowsPerGroup(laneGroup))] }],
        expected: { y, captures },
      };
    },
  };
}

/** q, k and v of up to three types, with as many rows each. */
function qkvCase(
  types: readonly QuantType[],
  rows: readonly number[],
  method: DecodeMethod,
  shape: Omit<Shape, 'rows'>,
  isExtra: boolean,
): SelftestCase {
  const { nIn, kind = 'normal', squares = 3 } = shape;
  const { laneGroup, choice } = method;
  return {
    ...{ kernel: 'fusions/qkv', types, spec: QKV, isExtra, needs: method.needs },
    variant: laneGroupVariant(choice, laneGroup, qkvJob(types, nIn)),
    shape: `${nIn} to ${rows.join('+')}, ${kind}, ${method.name}`,
    make: () => {
      const x = fedStream(nIn, squares, kind, 41);
      const all = rows.reduce((sum, n) => sum + n, 0);
      const y = expectNothing(all);
      const captures = expectNothing(nIn + all);
      putNormed(captures, 0, x);
      const matrices = types.map((type, i) => weightRows(type, rows[i] ?? 0, nIn, 'normal', 42 + i));
      let to = 0;
      for (const matrix of matrices) {
        const product = rowMaker(matrix);
        for (let r = 0; r < matrix.nRows; r++, to++) {
          const { value, bound } = product(r, x.gained, x.scale);
          putFloat(y, to, value, bound);
          putFloat(captures, nIn + to, value, bound);
        }
      }
      const [a, b = a, c = a] = matrices.map(({ type, nRows, bytes }) => repackRows(type, bytes, nRows, nIn));
      const [stepA = 0, stepB = stepA, stepC = stepA] = types.map((type) => gpuRowWords(type, nIn) / 4);
      const [rowsA = 0, rowsB = 0, rowsC = 0] = rows;
      const [groupsA = 0, groupsB = 0, groupsC = 0] = rows.map((n) => Math.ceil(n / rowsPerGroup(laneGroup)));
      const params = {
        ...{ batches: laneGroup.batches, rowsA, rowsB, rowsC, groupsA, groupsAb: groupsA + groupsB },
        ...{ stepA, stepB, stepC, eps: EPS, squareCount: squares, captureNorm: 0, captureQkv: nIn },
      };
      const none = new Uint32Array(4);
      return {
        inputs: { stream: x.stream, weightsA: a ?? none, weightsB: b ?? none, weightsC: c ?? none },
        outputs: { y: all, captures: nIn + all },
        calls: [{ params, grid: [groupsA + groupsB + groupsC] }],
        expected: { y, captures },
      };
    },
  };
}

/** Types that have a product of their own in shaders/fusions/lib, one that is dequantised, and one with a grid. */
const OWN: ReadonlySet<QuantType> = new Set<QuantType>(['F32', 'Q4_K', 'Q6_K', 'Q8_0', 'Q5_K', 'IQ2_XS']);
const lengthsOf = (type: QuantType): readonly [number, number] =>
  ggmlType(type).blockSize > 32 ? [256, 512] : [96, 160];

/** All types, three at a time. */
const THREES: readonly (readonly QuantType[])[] = Array.from({ length: Math.ceil(QUANT_TYPES.length / 3) }, (_, i) =>
  QUANT_TYPES.slice(3 * i, 3 * i + 3),
);

/** RMSNorm with one matrix or three behind it. */
export const NORM_PRODUCT_CASES: readonly SelftestCase[] = [
  ...QUANT_TYPES.flatMap((type) => {
    const [once, many] = lengthsOf(type);
    const isExtra = !OWN.has(type);
    return [
      headCase(type, BY_SUBGROUP, { nIn: once, rows: 50 }, isExtra),
      headCase(type, BY_SUBGROUP, { nIn: once, rows: 1, kind: 'subnormal', squares: 40 }, isExtra),
      headCase(type, BY_SUBGROUP, { nIn: once, rows: 3, size: 1e-6 }, isExtra),
      headCase(type, BY_SUBGROUP, { nIn: many, rows: 23, kind: 'large', squares: 1 }, isExtra || type !== 'Q6_K'),
      headCase(type, BY_WORKGROUP, { nIn: many, rows: 23 }, type !== 'Q4_K'),
    ];
  }),
  headCase('Q4_K', PLAIN_DEEP, { nIn: 256, rows: 33 }, false),
  headCase('Q4_K', BY_32, { nIn: 2048, rows: 9 }, true),
  ...QUANT_TYPES.flatMap((type) => [
    // Real routers are F32.
    routerCase(type, BY_SUBGROUP, { nIn: lengthsOf(type)[0], rows: 60, squares: 5 }, type !== 'F32'),
    routerCase(type, BY_WORKGROUP, { nIn: lengthsOf(type)[1], rows: 10 }, true),
  ]),
  routerCase('F32', BY_SUBGROUP, { nIn: 96, rows: 3, kind: 'subnormal' }, false),
  routerCase('F32', BY_SUBGROUP, { nIn: 352, rows: 10 }, false),
  routerCase('F32', BY_32, { nIn: 2048, rows: 128 }, true),
  ...THREES.map((types) => qkvCase(types, [7, 13, 1].slice(0, types.length), BY_SUBGROUP, { nIn: 256 }, true)),
  qkvCase(['Q4_K', 'Q6_K', 'Q8_0'], [33, 8, 9], BY_SUBGROUP, { nIn: 512 }, false),
  qkvCase(['Q4_K'], [50], BY_SUBGROUP, { nIn: 256, squares: 8 }, false),
  qkvCase(['Q4_K', 'Q6_K'], [33, 8], BY_WORKGROUP, { nIn: 256 }, true),
];
