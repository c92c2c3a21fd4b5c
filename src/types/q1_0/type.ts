import { defineType, plane } from '../define-type';
import { scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** One bit a weight, its sign, and a scale for each 128. */
export const q1_0 = defineType({
  name: 'Q1_0',
  id: 41,
  blockSize: 128,
  typeSize: 18,
  activations: 'q8_0',
  floats: [f16At(0)],
  firstBit: [2, 0],
  quantsAt: 2,
  planes: [plane(2, 16), plane(0, 2)],
  columns: '32',
  dequantise,
  fill: scaled(18, 0, 1),
  defects: [
    { kind: 'sign', what: 'signs turned round', from: 'select(vec4(-d), vec4(d),', to: 'select(vec4(d), vec4(-d),' },
    { kind: 'index', what: 'four bits read twice', from: 'bits >> 28u', to: 'bits >> 24u' },
  ],
});
