import { defectsOf, type Defect } from '../defect';

export const SHIFT_DEFECTS: readonly Defect[] = [
  ...defectsOf('shift', [
    ['scale', 'the weight left out', ['x[i] + weight[i % params.width]', 'x[i]']],
    ['index', 'one weight for all columns', ['weight[i % params.width]', 'weight[0]']],
    ['sign', 'the weight subtracted', ['x[i] + weight[i % params', 'x[i] - weight[i % params']],
    ['rounding', 'sums in f16', ['x[i] + weight[i % params.width]', 'quantizeToF16(x[i] + weight[i % params.width])']],
  ]),
];
