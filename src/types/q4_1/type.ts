import { defineType, plane } from '../define-type';
import { withMinimum } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Four bits a weight, a scale and a minimum for each 32. */
export const q4_1 = defineType({
  name: 'Q4_1',
  id: 3,
  blockSize: 32,
  typeSize: 20,
  activations: 'q8_0',
  floats: [f16At(0), f16At(2)],
  firstBit: [4, 3],
  quantsAt: 4,
  planes: [plane(4, 16), plane(0, 4)],
  columns: '32',
  dequantise,
  fill: withMinimum(20, 15),
  defects: [
    { kind: 'sign', what: 'one minimum subtracted', from: 'unsignedBytes(low.x) + m', to: 'unsignedBytes(low.x) - m' },
  ],
});
