import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The values as they are, in the tokens that are struck. */
export const NOT_DIVIDED: Edit = ['/ max(sum, SMALLEST_SUM)', '/ select(max(sum, SMALLEST_SUM), 1.0, struck(token))'];

export const NORMALISE_DEFECTS: readonly Defect[] = [
  ...defectsOf('normalise', [
    ['scale', 'no smallest sum', ['max(sum, SMALLEST_SUM)', 'sum']],
    ['scale', 'not divided', NOT_DIVIDED],
    ['index', 'the last slot left out of the sum', ['slot < params.nUsed', 'slot + 1u < params.nUsed']],
    ['index', "every token by the first token's experts", ['indices[first + slot]', 'indices[slot]']],
  ]),
];
