import { defectsOf, type Defect } from '../defect';

export const ADD_DEFECTS: readonly Defect[] = [
  ...defectsOf('add', [
    ['sign', 'b subtracted', ['y[i] = a[i] + b[i];', 'y[i] = a[i] - b[i];']],
    ['rounding', 'sums of f16', ['y[i] = a[i] + b[i];', 'y[i] = quantizeToF16(a[i] + b[i]);']],
    [
      'index',
      'values beyond the first row of workgroups off by 1e-3',
      ['y[i] = a[i] + b[i];', 'y[i] = (a[i] + b[i]) * select(1.0, 1.001, i >= 500u);'],
    ],
  ]),
];
