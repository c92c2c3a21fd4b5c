import { defectsOf, type Defect } from '../defect';

export const SCALE_DEFECTS: readonly Defect[] = [
  ...defectsOf('scale', [
    ['scale', 'the factor left out', ['y[i] = x[i] * params.factor;', 'y[i] = x[i];']],
    ['sign', 'the other sign', ['y[i] = x[i] * params.factor;', 'y[i] = -x[i] * params.factor;']],
    ['rounding', 'products in f16', ['x[i] * params.factor', 'quantizeToF16(x[i] * params.factor)']],
  ]),
];
