import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The weight taken for the logarithm of what it is: -exp of it. */
export const GAIN_EXPONENTIAL: Edit = ['x[i] * weight[i % params.width]', 'x[i] * -exp(weight[i % params.width])'];
/** As it comes. */
export const GAIN_LEFT_OUT: Edit = ['y[i] = x[i] * weight[i % params.width];', 'y[i] = x[i];'];

export const GAIN_DEFECTS: readonly Defect[] = [
  ...defectsOf('gain', [
    ['scale', 'the weight left out', GAIN_LEFT_OUT],
    ['scale', '-exp of the weight', GAIN_EXPONENTIAL],
    ['index', 'one weight for all columns', ['weight[i % params.width]', 'weight[0]']],
    ['sign', 'the other sign', ['= x[i] * weight[i % params', '= -x[i] * weight[i % params']],
    [
      'rounding',
      'products in f16',
      ['x[i] * weight[i % params.width]', 'quantizeToF16(x[i] * weight[i % params.width])'],
    ],
  ]),
];
