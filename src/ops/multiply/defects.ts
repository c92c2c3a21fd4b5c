import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

export const NO_FACTOR: Edit = ['y[i] = a[i] * b[i / params.run];', 'y[i] = a[i];'];

export const MULTIPLY_DEFECTS: readonly Defect[] = [
  ...defectsOf('multiply', [
    ['scale', 'the factor left out', NO_FACTOR],
    ['rounding', 'products in f16', ['a[i] * b[i / params.run]', 'quantizeToF16(a[i] * b[i / params.run])']],
    ['index', 'one factor for all rows', ['b[i / params.run]', 'b[0]']],
  ]),
];
