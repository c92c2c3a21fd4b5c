import { scoreBound } from './bound';
import {
  ATTENTION_SHAPES,
  attentionInputs,
  describeAttention,
  dot,
  type AttentionShape,
} from '../../selftest/attention-shapes';
import { expectNothing, putFloat } from '../../selftest/expected';
import { wide } from '../../selftest/inputs';
import { LANES } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { kernelName, type KernelVariant } from '../kernel-spec';
import { ATTENTION_SCORES } from './kernel';

/** `future`: whether scores that the mask hides are computed too; else they must be left alone. */
function scoresCase(shape: AttentionShape, variant: KernelVariant, future: boolean): SelftestCase {
  const { nHead, nHeadKv, headDim, past } = shape;
  return {
    ...{ kernel: kernelName(ATTENTION_SCORES), types: ['f32'], spec: ATTENTION_SCORES, variant },
    shape: `${describeAttention(shape)}, channels by ${variant.id}${future ? ', hidden ones too' : ''}`,
    make: () => {
      const { nKeys, rows, scale, q, keys, kvAt, visible } = attentionInputs(shape);
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

const [ONES, FOURS] = ATTENTION_SCORES.variants;

export const ATTENTION_SCORES_CASES: readonly SelftestCase[] = [
  ...ATTENTION_SHAPES.flatMap((shape) => [scoresCase(shape, ONES, true), scoresCase(shape, ONES, false)]),
  ...ATTENTION_SHAPES.filter(({ headDim }) => headDim % 4 === 0).flatMap((shape) => [
    scoresCase(shape, FOURS, true),
    scoresCase(shape, FOURS, false),
  ]),
];
