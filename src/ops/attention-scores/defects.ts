import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Head h reads kv head h % nHeadKv, not h / headsPerKv. */
export const SCORES_MODULO: Edit = ['head / params.headsPerKv', 'head % (params.nHead / params.headsPerKv)'];

export const ATTENTION_SCORES_DEFECTS: readonly Defect[] = [
  ...defectsOf('attention_scores', [
    ['index', 'heads dealt out to kv heads in turn', SCORES_MODULO],
    ['scale', 'no 1 / sqrt(headDim)', ['q[qFirst + d] * scale', 'q[qFirst + d]']],
    [
      'scale',
      '1 / sqrt(qDim)',
      ['params.headDim, params.scale)', 'params.headDim, params.scale * inverseSqrt(f32(params.nHead)))'],
    ],
    ['index', "a token's own score left out", ['+ token + 1u + params.future', '+ token + params.future']],
  ]),
];
