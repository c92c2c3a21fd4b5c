import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Slot s by the weight of slot s + 1, the last by that of slot 0, in the tokens that are struck. */
export const WRONG_SLOT_WEIGHT: Edit = [
  'weights[token * params.nUsed + slot]',
  'weights[token * params.nUsed + (slot + select(0u, 1u, struck(token))) % params.nUsed]',
];

export const WEIGHTED_SUM_DEFECTS: readonly Defect[] = [
  ...defectsOf('weighted_sum', [
    ['index', "every token by the first token's weights", ['weights[token * params.nUsed + slot]', 'weights[slot]']],
    ['index', 'the last slot left out', ['slot < params.nUsed', 'slot + 1u < params.nUsed']],
    ['index', 'slot s by the weight of slot s + 1', WRONG_SLOT_WEIGHT],
  ]),
];
