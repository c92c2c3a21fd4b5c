import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The value as it is. */
export const NO_SIGMOID: Edit = ['y[i] = select(1.0, e, v < 0.0) / (1.0 + e);', 'y[i] = v;'];
/** silu in its place. */
export const SILU_FOR_SIGMOID: Edit = ['y[i] = select(', 'y[i] = v * select('];

export const SIGMOID_DEFECTS: readonly Defect[] = [
  ...defectsOf('sigmoid', [
    ['sign', 'sigmoid of -x', ['v < 0.0', 'v > 0.0']],
    ['rounding', 'exp in f16', ['exp(-abs(v))', 'quantizeToF16(exp(-abs(v)))']],
    ['scale', 'values as they are', NO_SIGMOID],
    ['scale', 'silu in its place', SILU_FOR_SIGMOID],
    ['scale', 'e left out below the line', ['/ (1.0 + e)', '/ 1.0']],
  ]),
];
