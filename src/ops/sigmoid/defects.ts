import { defectsOf, type Defect } from '../defect';

export const SIGMOID_DEFECTS: readonly Defect[] = [
  ...defectsOf('sigmoid', [
    ['sign', 'sigmoid of -x', ['v < 0.0', 'v > 0.0']],
    ['rounding', 'exp in f16', ['exp(-abs(v))', 'quantizeToF16(exp(-abs(v)))']],
    ['scale', 'e left out below the line', ['/ (1.0 + e)', '/ 1.0']],
  ]),
];
