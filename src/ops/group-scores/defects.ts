import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The largest alone. */
export const GROUP_MAXIMUM: Edit = ['best + second', 'best'];

export const GROUP_SCORES_DEFECTS: readonly Defect[] = [
  ...defectsOf('group_scores', [
    ['index', 'the largest alone', GROUP_MAXIMUM],
    ['index', 'the largest twice', ['best + second', 'best + best']],
    ['index', 'a second that came before the largest is lost', ['max(second, min(best, value))', 'min(best, value)']],
    ['sign', 'the second subtracted', ['best + second', 'best - second']],
    [
      'index',
      'the last of each group left out',
      ['i < (group + 1u) * params.size', 'i + 1u < (group + 1u) * params.size'],
    ],
    ['type', 'a NaN left out', ['isNan(value)', 'false']],
    ['rounding', 'sums in f16', ['select(best + second', 'select(quantizeToF16(best + second)']],
  ]),
];
