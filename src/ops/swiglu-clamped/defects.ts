import { defectsOf, type Defect } from '../defect';

export const SWIGLU_CLAMPED_DEFECTS: readonly Defect[] = [
  ...defectsOf('swiglu_clamped', [
    ['sign', 'sigmoid of -z', ['z < 0.0', 'z > 0.0']],
    ['sign', 'u - 1', ['(u + 1.0)', '(u - 1.0)']],
    ['scale', 'no alpha', ['let z = params.alpha * g;', 'let z = g;']],
    ['scale', 'the gate not cut off', ['let g = min(gate[i], params.limit);', 'let g = gate[i];']],
    [
      'scale',
      'the gate cut off below too',
      ['let g = min(gate[i], params.limit);', 'let g = clamp(gate[i], -params.limit, params.limit);'],
    ],
    ['scale', 'up cut off above only', ['clamp(up[i], -params.limit, params.limit)', 'min(up[i], params.limit)']],
    ['index', 'a NaN cut off', ['isNan(gate[i]) || isNan(up[i])', 'false']],
    ['rounding', 'exp in f16', ['exp(-abs(z))', 'quantizeToF16(exp(-abs(z)))']],
  ]),
];
