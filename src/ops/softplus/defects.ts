import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

export const NO_BIAS: Edit = ['x[i] + bias[i % params.width]', 'x[i]'];

export const SOFTPLUS_DEFECTS: readonly Defect[] = [
  ...defectsOf('softplus', [
    ['scale', 'the bias left out', NO_BIAS],
    ['index', 'one bias for all columns', ['bias[i % params.width]', 'bias[0]']],
    ['sign', 'softplus of -x', ['max(v, 0.0)', 'max(-v, 0.0)']],
    ['rounding', 'log as WGSL gives it', ['2.0 * z * odd', 'log(1.0 + e)']],
    [
      'rounding',
      'the series cut behind three terms',
      ['+ s * (1.0 / 7.0 + s * (1.0 / 9.0 + s * (1.0 / 11.0 + s * (1.0 / 13.0))))', ''],
    ],
  ]),
];
