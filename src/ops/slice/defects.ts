import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Rows of a token joined, and cut into halves: USED rows a token. */
export const SLICE_HALVES: Edit = [
  'row * params.stride + params.first + (i',
  '(row - row % USED) * params.stride + params.first * USED + row % USED * params.width + (i',
];
/** Columns from the first on. */
export const SLICE_FIRST: Edit = ['+ params.first + ', '+ '];

export const SLICE_DEFECTS: readonly Defect[] = [
  ...defectsOf('slice', [
    ['index', 'the first columns, whichever are meant', SLICE_FIRST],
    ['index', 'rows packed as if they were as wide as what is taken', ['row * params.stride', 'row * params.width']],
    ['index', 'an offset of y forgotten', ['y[params.yOffset + i]', 'y[i]']],
    [
      'rounding',
      'values in f16',
      [
        '= x[row * params.stride + params.first + (i - row * params.width)];',
        '= quantizeToF16(x[row * params.stride + params.first + (i - row * params.width)]);',
      ],
    ],
  ]),
];
