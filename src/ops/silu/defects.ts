import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The value as it is. */
export const NO_SILU: Edit = ['y[i] = v * select(1.0, e, v < 0.0) / (1.0 + e);', 'y[i] = v;'];

export const SILU_DEFECTS: readonly Defect[] = [
  ...defectsOf('silu', [
    ['sign', 'sigmoid of -x', ['v < 0.0', 'v > 0.0']],
    ['rounding', 'exp in f16', ['exp(-abs(v))', 'quantizeToF16(exp(-abs(v)))']],
    ['scale', 'values as they are', NO_SILU],
    ['scale', 'the sigmoid without its value', ['v * select(1.0, e, v < 0.0)', 'select(1.0, e, v < 0.0)']],
  ]),
];
