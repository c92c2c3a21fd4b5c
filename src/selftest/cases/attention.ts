import { plural } from '../../base/format';
import { scoreBound } from '../../ops/attention-scores/bound';
import { valueBounds } from '../../ops/attention-values/bound';
import { linearGrid } from '../../ops/kernel-grid';
import { KERNEL_TABLE } from '../../gpu/kernel-table';
import { kernelName, type KernelVariant } from '../../ops/kernel-spec';
import { erringSoftmax, weightedValue } from '../attention-twin';
import { expectFloats, expectNothing, putFloat } from '../expected';
import { inputValues, wide, type InputKind } from '../inputs';
import type { SelftestCase } from '../selftest-case';

const LANES = 64;
/** Keys beyond those of the step that the buffers hold: poison, which no kernel may meet. */
const SPARE_KEYS = 3;
/** Rows of a workgroup of attention_tiled.wgsl. */
const TILED_ROWS = 32;

interface Shape {
  readonly tokens: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly past: number;
  readonly kind?: InputKind;
}

const SHAPES: readonly Shape[] = [
  { tokens: 1, nHead: 1, nHeadKv: 1, headDim: 2, past: 0 },
  { tokens: 5, nHead: 5, nHeadKv: 1, headDim: 14, past: 0 },
  { tokens: 3, nHead: 4, nHeadKv: 2, headDim: 64, past: 61 },
  { tokens: 2, nHead: 6, nHeadKv: 6, headDim: 32, past: 63 },
  { tokens: 1, nHead: 8, nHeadKv: 2, headDim: 128, past: 64 },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 12, past: 2, kind: 'large' },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 12, past: 2, kind: 'subnormal' },
];

function describe({ tokens, nHead, nHeadKv, headDim, past, kind = 'normal' }: Shape): string {
  return `${plural(tokens, 'token')} after ${past}, ${plural(nHead, 'head')} on ${nHeadKv} of ${headDim}, ${kind}`;
}

/** What the three kernels and the fused one are fed, and their indices. */
function sizes(shape: Shape) {
  const { tokens, nHead, nHeadKv, headDim, past, kind = 'normal' } = shape;
  const nKeys = past + tokens;
  const used = nKeys * nHeadKv * headDim;
  const padded = (seed: number, of: InputKind): Float32Array<ArrayBuffer> => {
    const all = new Float32Array(used + SPARE_KEYS * nHeadKv * headDim).fill(NaN);
    all.set(inputValues(of, used, seed));
    return all;
  };
  return {
    nKeys,
    rows: tokens * nHead,
    scale: 1 / Math.sqrt(headDim),
    q: inputValues(kind, tokens * nHead * headDim, 1),
    keys: padded(2, kind),
    values: padded(4, kind),
    /** Where the key or value of a row's head begins. */
    kvAt: (row: number, key: number): number =>
      (key * nHeadKv + Math.floor((row % nHead) / (nHead / nHeadKv))) * headDim,
    visible: (row: number): number => past + Math.floor(row / nHead) + 1,
  };
}

function dot(q: Float32Array, qAt: number, k: Float32Array, kAt: number, n: number): number {
  let sum = 0;
  for (let d = 0; d < n; d++) sum += q[qAt + d]! * k[kAt + d]!;
  return sum;
}

/** `future`: whether scores that the mask hides are computed too; else they must be left alone. */
function scoresCase(shape: Shape, variant: KernelVariant, future: boolean): SelftestCase {
  const { nHead, nHeadKv, headDim, past } = shape;
  return {
    ...{ kernel: kernelName(KERNEL_TABLE.attnScores), types: ['f32'], spec: KERNEL_TABLE.attnScores, variant },
    shape: `${describe(shape)}, channels by ${variant.id}${future ? ', hidden ones too' : ''}`,
    make: () => {
      const { nKeys, rows, scale, q, keys, kvAt, visible } = sizes(shape);
      const scores = expectNothing(rows * nKeys);
      const [wideQ, wideKeys] = [wide(q), wide(keys)];
      for (let row = 0; row < rows; row++) {
        for (let key = 0; key < (future ? nKeys : visible(row)); key++) {
          const exact = dot(q, row * headDim, keys, kvAt(row, key), headDim) * scale;
          const bound = scoreBound(wideQ, row * headDim, wideKeys, kvAt(row, key), headDim);
          putFloat(scores, row * nKeys + key, exact, bound);
        }
      }
      const params = {
        ...{ nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition: past },
        ...{ future: future ? nKeys : 0, scale },
      };
      return {
        inputs: { q, keys },
        outputs: { scores: rows * nKeys },
        calls: [{ params, grid: [Math.ceil(nKeys / LANES), rows] }],
        expected: { scores },
      };
    },
  };
}

function valuesCase(shape: Shape, name: 'attnValues' | 'attnValuesSplit', perGroup: number): SelftestCase {
  const { nHead, nHeadKv, headDim, past } = shape;
  const spec = KERNEL_TABLE[name];
  return {
    ...{ kernel: kernelName(spec), types: ['f32'], spec, variant: spec.variants[0] },
    shape: describe(shape),
    make: () => {
      const { nKeys, rows, values, kvAt, visible } = sizes(shape);
      const count = rows * headDim;
      // What the mask hides, and what lies beyond the keys, is poison.
      const p = new Float32Array(rows * nKeys).fill(NaN);
      const y = new Float64Array(count);
      const bound = new Float64Array(count);
      const wideValues = wide(values);
      for (let row = 0; row < rows; row++) {
        const own = inputValues('normal', visible(row), 100 + row).map(Math.abs);
        p.set(own, row * nKeys);
        for (let d = 0; d < headDim; d++) {
          for (let key = 0; key < own.length; key++) y[row * headDim + d]! += own[key]! * values[kvAt(row, key) + d]!;
        }
        const [stride, channel] = [nHeadKv * headDim, kvAt(row, 0)];
        const at = row * headDim;
        valueBounds(wide(own), own.length, nKeys, wideValues, channel, stride, headDim, y, bound, at);
      }
      const params = { count, nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition: past };
      return {
        inputs: { p, values },
        outputs: { y: count },
        calls: [{ params, grid: linearGrid(count, perGroup) }],
        expected: { y: expectFloats(y, bound) },
      };
    },
  };
}

/** Heads of a size that attention_tiled takes; more keys than a tile, and more rows than a block. */
const TILED_SHAPES: readonly Shape[] = [
  { tokens: 1, nHead: 1, nHeadKv: 1, headDim: 32, past: 0 },
  { tokens: 33, nHead: 2, nHeadKv: 1, headDim: 32, past: 0 },
  { tokens: 40, nHead: 4, nHeadKv: 2, headDim: 32, past: 61 },
  { tokens: 5, nHead: 2, nHeadKv: 1, headDim: 32, past: 64, kind: 'zero' },
  { tokens: 34, nHead: 4, nHeadKv: 2, headDim: 64, past: 25 },
  { tokens: 3, nHead: 2, nHeadKv: 1, headDim: 128, past: 70 },
];

function tiledCase(shape: Shape): SelftestCase {
  const { tokens, nHead, nHeadKv, headDim, past } = shape;
  const spec = KERNEL_TABLE.attentionTiled;
  const variant = spec.variants.find(({ id }) => id === `heads of ${headDim}`);
  if (variant === undefined) throw new RangeError(`attention_tiled takes no heads of ${headDim}`);
  return {
    ...{ kernel: 'attention_tiled', types: ['f32'], spec, variant },
    shape: describe(shape),
    // A larger head is the same text with more columns, and many seconds to compile.
    isExtra: headDim > 32,
    make: () => {
      const { nKeys, rows, scale, q, keys, values, kvAt, visible } = sizes(shape);
      const count = rows * headDim;
      const y = expectNothing(count);
      const [wideQ, wideKeys] = [wide(q), wide(keys)];
      for (let row = 0; row < rows; row++) {
        const scores = new Float64Array(visible(row));
        const errors = new Float64Array(scores.length);
        for (let key = 0; key < scores.length; key++) {
          scores[key] = dot(q, row * headDim, keys, kvAt(row, key), headDim) * scale;
          errors[key] = scoreBound(wideQ, row * headDim, wideKeys, kvAt(row, key), headDim);
        }
        const { weights, relative } = erringSoftmax(scores, errors);
        for (let d = 0; d < headDim; d++) {
          const { value, bound } = weightedValue(weights, relative, (key) => values[kvAt(row, key) + d]!);
          putFloat(y, row * headDim + d, value, bound);
        }
      }
      const blocks = Math.ceil(tokens / TILED_ROWS);
      const common = { rows: tokens, nHead, headsPerKv: nHead / nHeadKv, nKeys, firstPosition: past, scale };
      // A dispatch a block: the last ones first, as a long prompt is cut.
      const calls = Array.from({ length: blocks }, (_, i) => ({
        params: { ...common, firstBlock: blocks - 1 - i },
        grid: [1, nHead] as const,
      }));
      return { inputs: { q, keys, values }, outputs: { y: count }, calls, expected: { y } };
    },
  };
}

const [ONES, FOURS] = KERNEL_TABLE.attnScores.variants;

/** Attention of prompts: scores, values, and all of it at once. The softmax between is softmax.wgsl. */
export const ATTENTION_CASES: readonly SelftestCase[] = [
  ...SHAPES.map((shape, i) => scoresCase(shape, ONES, i % 2 === 0)),
  ...SHAPES.filter(({ headDim }) => headDim % 4 === 0).map((shape, i) => scoresCase(shape, FOURS, i % 2 === 0)),
  ...SHAPES.map((shape) => valuesCase(shape, 'attnValues', LANES)),
  ...SHAPES.map((shape) => valuesCase(shape, 'attnValuesSplit', 16)),
  ...TILED_SHAPES.map(tiledCase),
];
