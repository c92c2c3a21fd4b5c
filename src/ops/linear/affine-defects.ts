import { defectsOf, type Defect } from '../defect';

export const AFFINE_DEFECTS: readonly Defect[] = defectsOf('linear_affine', [
  ['index', "expert 0's scale for all", ['value *= scale[expert];', 'value *= scale[0];']],
  ['index', "expert 0's bias for all", ['expert * params.biasStride + i', 'i']],
  ['index', 'a bias of rows before its own in a fused tensor', ['params.biasFirst + expert', 'expert']],
  ['sign', 'bias subtracted', ['value += bias', 'value -= bias']],
  ['rounding', 'products kept as f16', ['var value = x[i];', 'var value = quantizeToF16(x[i]);']],
]);
