import { defectsOf, type Defect } from '../defect';

export const CONCAT_DEFECTS: readonly Defect[] = [
  ...defectsOf('concat', [
    ['index', 'the first row of b beside every row', ['b[row * (params.width - params.first) + column', 'b[column']],
    ['index', 'rows of a as long as those of both', ['a[row * params.first', 'a[row * params.width']],
    ['index', 'an offset of y forgotten', ['y[params.yOffset + i] = b', 'y[i] = b']],
    ['rounding', 'a in f16', ['= a[row * params.first + column];', '= quantizeToF16(a[row * params.first + column]);']],
  ]),
];
