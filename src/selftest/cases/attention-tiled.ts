import { scoreBound } from '../../ops/attention-scores/bound';
import { ATTENTION_TILED, tiledVariant } from '../../fusions/attention-tiled/kernel';
import { attentionInputs, describeAttention, dot, type AttentionShape } from '../attention-shapes';
import { erringSoftmax, spoiltWhole, weightedValue } from '../attention-reference';
import { expectNothing, putFloat } from '../expected';
import { wide } from '../inputs';
import type { SelftestCase } from '../selftest-case';

/** Rows of a workgroup of attention_tiled.wgsl. */
const TILED_ROWS = 32;

/** Heads of a size that attention_tiled takes; more keys than a tile, and more rows than a block. */
const TILED_SHAPES: readonly AttentionShape[] = [
  { tokens: 1, nHead: 1, nHeadKv: 1, headDim: 32, past: 0 },
  { tokens: 33, nHead: 2, nHeadKv: 1, headDim: 32, past: 0 },
  { tokens: 40, nHead: 4, nHeadKv: 2, headDim: 32, past: 61 },
  { tokens: 5, nHead: 2, nHeadKv: 1, headDim: 32, past: 64, kind: 'zero' },
  { tokens: 40, nHead: 2, nHeadKv: 1, headDim: 32, past: 30, size: 30 },
  { tokens: 34, nHead: 4, nHeadKv: 2, headDim: 64, past: 25 },
  { tokens: 3, nHead: 2, nHeadKv: 1, headDim: 128, past: 70 },
];

/** Five heads on key-value heads of their own: a NaN in a query, in a key and in a value, infinities in two keys, and nothing. */
const SPOILT_SHAPE: AttentionShape = { tokens: 40, nHead: 5, nHeadKv: 5, headDim: 32, past: 30 };

function spoil({ nHead, headDim }: AttentionShape, { q, keys, values }: ReturnType<typeof attentionInputs>): void {
  const kvAt = (key: number, head: number): number => (key * nHead + head) * headDim;
  q[(7 * nHead + 0) * headDim + 3] = NaN;
  keys[kvAt(35, 1) + 2] = NaN;
  values[kvAt(4, 2) + 5] = NaN;
  // Of whatever sign a query is there, one of the two scores is +Infinity.
  keys[kvAt(33, 3) + 2] = Infinity;
  keys[kvAt(33, 3) + kvAt(1, 0) + 2] = -Infinity;
}

function tiledCase(shape: AttentionShape, isSpoilt = false): SelftestCase {
  const { tokens, nHead, nHeadKv, headDim, past } = shape;
  const variant = tiledVariant(headDim);
  if (variant === undefined) throw new RangeError(`attention_tiled takes no heads of ${headDim}`);
  return {
    ...{ kernel: 'fusions/attention_tiled', types: ['f32'], spec: ATTENTION_TILED, variant },
    shape: describeAttention(shape) + (isSpoilt ? ', NaN and infinities' : ''),
    // A larger head is the same text with more columns, and many seconds to compile.
    isExtra: headDim > 32,
    make: () => {
      const inputs = attentionInputs(shape);
      if (isSpoilt) spoil(shape, inputs);
      const { nKeys, rows, scale, q, keys, values, kvAt, visible } = inputs;
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
        const { weights, relative } = erringSoftmax(spoiltWhole(scores), errors);
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

/** Scores, softmax and values at once. */
export const ATTENTION_TILED_CASES: readonly SelftestCase[] = [
  ...TILED_SHAPES.map((shape) => tiledCase(shape)),
  tiledCase(SPOILT_SHAPE, true),
];
