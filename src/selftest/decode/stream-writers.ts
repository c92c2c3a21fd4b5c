import { gamma, UNIT } from '../../base/f32-error';
import { againstCapture, FLUSH } from '../../ops/rounding';
import { rowsBound } from '../../ops/rows/bound';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import { EMBED } from '../../fusions/embed/fusion';
import { EXPERTS_OUT, outGroup } from '../../fusions/experts-out/fusion';
import { PROJECT, laneGroupsPerRow } from '../../fusions/project/fusion';
import { rowLaneGroups, rowUnits, laneGroupVariant } from '../../fusions/lane-groups';
import { repackRows } from '../../gpu/matmul/repack';
import { typeVariant } from '../../gpu/matmul/variants';
import { gpuRowWords } from '../../ops/weight-layout';
import { expectNothing, putFloat, type Expected } from '../expected';
import { inputValues } from '../inputs';
import type { WeightKind } from '../random-weights';
import type { SelftestCase } from '../selftest-case';
import { weightRows } from '../weight-rows';
import { BY_32, BY_SUBGROUP, BY_WORKGROUP, PLAIN_DEEP, type DecodeMethod } from './decode-methods';
import { rowMaker, type Erring } from './normed-product';
import { chunkElements, folded, foldBlocks, foldedValue, foldedWords, gainedAt, squaresAt } from './places';

/**
 * What a kernel must leave of a residual stream: values, values times gain (once more rounded), and the sum of squares of each part, of
 * positive terms: (|v| + d)^2 - v^2 each, and gamma_{n+1} of all.
 */
function putStream(
  y: Expected,
  values: readonly Erring[],
  gain: Float32Array,
  parts: readonly (readonly number[])[],
): void {
  const n = values.length;
  values.forEach(({ value, bound }, i) => {
    putFloat(y, i, value, bound);
    const gained = value * (gain[i] ?? NaN);
    const error = bound * Math.abs(gain[i] ?? NaN) * (1 + UNIT) + UNIT * Math.abs(gained) + FLUSH;
    putFloat(y, gainedAt(n) + foldedValue(i, foldBlocks(n)), gained, againstCapture(error, gained));
  });
  parts.forEach((part, p) => {
    let sum = 0;
    let error = 0;
    for (const i of part) {
      const { value, bound } = values[i] ?? { value: NaN, bound: NaN };
      sum += value * value;
      error += (2 * Math.abs(value) + bound) * bound + FLUSH;
    }
    putFloat(y, squaresAt(n) + p, sum, againstCapture(error + gamma(part.length + 1) * (sum + error), sum));
  });
}

/** Rows that each workgroup ends. */
function rowParts(rows: number, perGroup: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(rows / perGroup) }, (_, g) =>
    Array.from({ length: Math.min(perGroup, rows - g * perGroup) }, (_, i) => g * perGroup + i),
  );
}

/** before + sum, one more rounding. */
function residual(before: number, sum: Erring): Erring {
  const value = before + sum.value;
  return { value, bound: againstCapture(sum.bound * (1 + UNIT) + UNIT * Math.abs(value) + 2 * FLUSH, value) };
}

function projectCase(type: QuantType, method: DecodeMethod, nIn: number, rows: number, isExtra: boolean): SelftestCase {
  const { laneGroup, choice } = method;
  const share = laneGroupsPerRow(laneGroup, rowUnits(type, nIn));
  const job = { nIn, types: { '': type }, constants: { SHARE: share } } as const;
  return {
    ...{ kernel: 'fusions/project', types: [type], spec: PROJECT, isExtra, needs: method.needs },
    variant: laneGroupVariant(choice, laneGroup, job),
    shape: `${nIn} to ${rows}, ${share} lane groups a row, ${method.name}`,
    make: () => {
      const x = inputValues('normal', nIn, 51);
      const before = inputValues('normal', rows, 52);
      const gain = inputValues('normal', rows, 53);
      const matrix = weightRows(type, rows, nIn, 'normal', 54);
      const product = rowMaker(matrix);
      const products = Array.from({ length: rows }, (_, r) => product(r, x));
      const sums = products.map((one, r) => residual(before[r] ?? NaN, one));
      const perGroup = rowLaneGroups(laneGroup, share) * laneGroup.batches;
      const parts = rowParts(rows, perGroup);
      const y = expectNothing(squaresAt(rows) + parts.length);
      putStream(y, sums, gain, parts);
      const captures = expectNothing(2 * rows);
      products.forEach(({ value, bound }, r) => {
        putFloat(captures, r, value, bound);
      });
      sums.forEach(({ value, bound }, r) => {
        putFloat(captures, rows + r, value, bound);
      });
      const params = {
        batches: laneGroup.batches,
        rows,
        step: gpuRowWords(type, nIn) / 4,
        captureProduct: 0,
        captureSum: rows,
      };
      return {
        inputs: { x: folded(x), residual: before, gain, weights: repackRows(type, matrix.bytes, rows, nIn) },
        outputs: { y: y.bounds.length, captures: 2 * rows },
        calls: [{ params, grid: [parts.length] }],
        expected: { y, captures },
      };
    },
  };
}

const N_EXPERT = 5;

function expertsOutCase(
  type: QuantType,
  method: DecodeMethod,
  { nIn, rows, nUsed }: { readonly nIn: number; readonly rows: number; readonly nUsed: number },
  isExtra: boolean,
): SelftestCase {
  const { choice } = method;
  const laneGroup = { ...method.laneGroup, group: outGroup(method.laneGroup, nUsed) };
  return {
    ...{ kernel: 'fusions/experts_out', types: [type], spec: EXPERTS_OUT, isExtra },
    needs: { ...method.needs, workgroupLanes: laneGroup.group },
    variant: laneGroupVariant(choice, laneGroup, {
      ...{ kernel: 'expertsOut', nIn, types: { '': type }, constants: { USED: nUsed } },
    }),
    shape: `${nIn} to ${rows}, ${nUsed} of ${N_EXPERT} experts, ${method.name}`,
    make: () => {
      const blocks = foldBlocks(nIn);
      const xs = Array.from({ length: nUsed }, (_, s) => inputValues('normal', nIn, 60 + s));
      const x = new Float32Array(nUsed * foldedWords(nIn));
      xs.forEach((row, s) => {
        x.set(folded(row), s * 128 * blocks);
      });
      // Neither in order nor without gaps.
      const experts = Array.from({ length: nUsed }, (_, s) => (N_EXPERT - 1 + 3 * s) % N_EXPERT);
      const weights = inputValues('normal', nUsed, 70).map(Math.abs);
      const route = new Uint32Array(2 * nUsed);
      route.set(experts);
      route.set(new Uint32Array(weights.buffer), nUsed);
      const before = inputValues('normal', rows, 71);
      const gain = inputValues('normal', rows, 72);
      const matrix = weightRows(type, N_EXPERT * rows, nIn, 'normal', 73);
      const product = rowMaker(matrix);
      const captures = expectNothing((nUsed + 2) * rows);
      const sums: Erring[] = [];
      for (let r = 0; r < rows; r++) {
        let [value, magnitude, error] = [0, 0, 0];
        experts.forEach((expert, s) => {
          const one = product(expert * rows + r, xs[s] ?? []);
          putFloat(captures, s * rows + r, one.value, one.bound);
          const weight = weights[s] ?? NaN;
          value += weight * one.value;
          error += weight * one.bound;
          magnitude += weight * (Math.abs(one.value) + one.bound);
        });
        // In slot order: nUsed products and additions.
        const bound = againstCapture(error + gamma(nUsed + 2) * magnitude + 2 * (nUsed + 2) * FLUSH, value);
        putFloat(captures, nUsed * rows + r, value, bound);
        const sum = residual(before[r] ?? NaN, { value, bound });
        putFloat(captures, (nUsed + 1) * rows + r, sum.value, sum.bound);
        sums.push(sum);
      }
      const parts = rowParts(rows, rowLaneGroups(laneGroup, nUsed) * laneGroup.batches);
      const y = expectNothing(squaresAt(rows) + parts.length);
      putStream(y, sums, gain, parts);
      const params = {
        ...{ batches: laneGroup.batches, rows, step: gpuRowWords(type, nIn) / 4 },
        ...{ captureExperts: 0, captureSum: nUsed * rows, captureResidual: (nUsed + 1) * rows },
      };
      return {
        inputs: { x, route, residual: before, gain, weights: repackRows(type, matrix.bytes, N_EXPERT * rows, nIn) },
        outputs: { y: y.bounds.length, captures: captures.bounds.length },
        calls: [{ params, grid: [parts.length] }],
        expected: { y, captures },
      };
    },
  };
}

/** Several blocks of any size, which are up to 256 long. */
const lengthOf = (type: QuantType): number => (ggmlType(type).blockSize > 32 ? 512 : 160);

/** `isHere`: whether the token's row is in this part of the table; else nothing is written. */
function embedCase(type: QuantType, kind: WeightKind, isHere: boolean): SelftestCase {
  const nIn = lengthOf(type);
  const [rows, firstRow, row] = [4, 10, 2];
  return {
    ...{ kernel: 'fusions/embed', types: [type], spec: EMBED, variant: typeVariant(type) },
    shape: `a row of ${nIn}, ${kind}${isHere ? '' : ', of another part'}`,
    make: () => {
      const matrix = weightRows(type, rows, nIn, kind, 81);
      const gain = inputValues('normal', nIn, 82);
      const y = expectNothing(squaresAt(nIn) + nIn / 32);
      const captures = expectNothing(nIn);
      if (isHere) {
        const exact = Float64Array.from(matrix.values.subarray(row * nIn, (row + 1) * nIn));
        const bounds = rowsBound(exact);
        const values = [...exact].map((value, i) => ({ value, bound: bounds[i] ?? NaN }));
        const chunks = Array.from({ length: nIn / 32 }, (_, c) => chunkElements(type, c));
        putStream(y, values, gain, chunks);
        values.forEach(({ value, bound }, i) => {
          putFloat(captures, i, value, bound);
        });
      }
      const params = { nIn, rowVec4s: gpuRowWords(type, nIn) / 4, firstRow, rows, captureEmbedding: 0 };
      return {
        inputs: {
          token: Uint32Array.of(isHere ? firstRow + row : firstRow - 1),
          gain,
          weights: repackRows(type, matrix.bytes, rows, nIn),
        },
        outputs: { y: y.bounds.length, captures: nIn },
        calls: [{ params, grid: [Math.ceil(nIn / 32 / 64)] }],
        expected: { y, captures },
      };
    },
  };
}

/** Types that have a product of their own in shaders/fusions/lib, one that is dequantised, and one with a grid. */
const OWN: ReadonlySet<QuantType> = new Set<QuantType>(['F32', 'Q4_K', 'Q6_K', 'Q8_0', 'Q5_K', 'IQ3_S']);
/** What real files have there. */
const REAL_DOWN: ReadonlySet<QuantType> = new Set<QuantType>(['Q4_K', 'Q6_K']);

/** Kernels that leave a residual stream. */
export const STREAM_CASES: readonly SelftestCase[] = [
  ...QUANT_TYPES.flatMap((type) => [
    embedCase(type, 'normal', true),
    embedCase(type, 'extreme', true),
    ...(type === 'Q4_K' ? [embedCase(type, 'normal', false)] : []),
  ]),
  ...QUANT_TYPES.flatMap((type) => [
    projectCase(type, BY_SUBGROUP, lengthOf(type), 160, !OWN.has(type)),
    projectCase(type, BY_SUBGROUP, lengthOf(type), 32, !OWN.has(type)),
    projectCase(type, BY_WORKGROUP, lengthOf(type), 160, type !== 'Q4_K'),
  ]),
  projectCase('Q8_0', BY_SUBGROUP, 96, 96, true),
  projectCase('Q4_K', PLAIN_DEEP, 512, 96, true),
  projectCase('Q4_K', BY_32, 4096, 96, true),
  ...QUANT_TYPES.flatMap((type) => [
    expertsOutCase(type, BY_SUBGROUP, { nIn: lengthOf(type), rows: 32, nUsed: 3 }, !REAL_DOWN.has(type)),
    expertsOutCase(type, BY_WORKGROUP, { nIn: lengthOf(type), rows: 32, nUsed: 2 }, type !== 'Q4_K'),
  ]),
  expertsOutCase('Q8_0', BY_SUBGROUP, { nIn: 96, rows: 160, nUsed: 1 }, false),
  expertsOutCase('Q6_K', BY_32, { nIn: 768, rows: 96, nUsed: 5 }, true),
];
