import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The sigmoid of the gate alone. */
export const SIGMOID_FOR_SILU: Edit = ['y[i] = g * select(', 'y[i] = select('];

export const SWIGLU_DEFECTS: readonly Defect[] = [
  ...defectsOf('swiglu', [
    ['scale', 'the sigmoid without its gate', SIGMOID_FOR_SILU],
    ['sign', 'sigmoid of -g', ['g < 0.0', 'g > 0.0']],
    ['rounding', 'exp in f16', ['exp(-abs(g))', 'quantizeToF16(exp(-abs(g)))']],
    [
      'rounding',
      'results in f16',
      [
        'y[i] = g * select(1.0, e, g < 0.0) / (1.0 + e) * up[i];',
        'y[i] = quantizeToF16(g * select(1.0, e, g < 0.0) / (1.0 + e) * up[i]);',
      ],
    ],
  ]),
];
