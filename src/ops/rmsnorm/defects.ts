import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The row as it is. */
export const NOT_NORMALISED: Edit = ['y[to + c] = x[first + c] * scale * weight[c];', 'y[to + c] = x[first + c];'];

export const RMSNORM_DEFECTS: readonly Defect[] = [
  ...defectsOf('rmsnorm', [
    ['scale', 'eps left out', [' + params.eps', '']],
    [
      'scale',
      'eps outside the root',
      [
        'inverseSqrt(total / f32(params.rowLength) + params.eps)',
        '1.0 / (sqrt(total / f32(params.rowLength)) + params.eps)',
      ],
    ],
    ['scale', 'a mean over 64 whatever the length', ['f32(params.rowLength)', 'f32(LANES)']],
    ['scale', 'not normalised', NOT_NORMALISED],
    [
      'scale',
      'one channel off by 1e-4',
      ['* scale * weight[c];', '* scale * weight[c] * select(1.0, 1.0001, c == 17u);'],
    ],
    ['index', 'the last partial sum left out', ['l < LANES', 'l + 1u < LANES']],
    ['barrier', 'partial sums read before they are there', ['workgroupBarrier();', '']],
    ['rounding', 'squares in f16', ['sum += value * value', 'sum += quantizeToF16(value * value)']],
  ]),
];
