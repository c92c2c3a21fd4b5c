import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Head h of v has head h / (nHeadV / nHeadK) of q. */
export const READ_GROUPED: Edit = [
  '(head - token * params.nHeadV) % params.nHeadK',
  '(head - token * params.nHeadV) / (params.nHeadV / params.nHeadK)',
];
/** The query is not scaled. */
export const READ_UNSCALED: Edit = ['sum * params.scale', 'sum'];

export const DELTA_READ_DEFECTS: readonly Defect[] = [
  ...defectsOf('delta_read', [
    ['scale', 'no 1 / sqrt(n)', READ_UNSCALED],
    ['index', 'neighbouring heads share a query', READ_GROUPED],
    ['index', 'the last channel left out', ['j < params.n;', 'j + 1u < params.n;']],
    [
      'rounding',
      'products in f16',
      ['state[first + j] * q[query + j]', 'quantizeToF16(state[first + j] * q[query + j])'],
    ],
  ]),
];
