import { scoreBound } from '../../ops/attention-scores/bound';
import { KERNEL_TABLE } from '../../gpu/kernel-table';
import { attentionInputs, describeAttention, dot, type AttentionShape } from '../attention-shapes';
import { erringSoftmax, weightedValue } from '../attention-twin';
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

function tiledCase(shape: AttentionShape): SelftestCase {
  const { tokens, nHead, nHeadKv, headDim, past } = shape;
  const spec = KERNEL_TABLE.attentionTiled;
  const variant = spec.variants.find(({ id }) => id === `heads of ${headDim}`);
  if (variant === undefined) throw new RangeError(`attention_tiled takes no heads of ${headDim}`);
  return {
    ...{ kernel: 'attention_tiled', types: ['f32'], spec, variant },
    shape: describeAttention(shape),
    // A larger head is the same text with more columns, and many seconds to compile.
    isExtra: headDim > 32,
    make: () => {
      const { nKeys, rows, scale, q, keys, values, kvAt, visible } = attentionInputs(shape);
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

/** Scores, softmax and values at once. */
export const ATTENTION_TILED_CASES: readonly SelftestCase[] = TILED_SHAPES.map(tiledCase);
