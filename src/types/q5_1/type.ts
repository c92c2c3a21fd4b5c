import { defineType, plane } from '../define-type';
import { withMinimum } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Five bits a weight, a scale and a minimum for each 32. */
export const q5_1 = defineType({
  name: 'Q5_1',
  id: 7,
  blockSize: 32,
  typeSize: 24,
  activations: 'q8_0',
  floats: [f16At(0), f16At(2)],
  firstBit: [4, 0],
  quantsAt: 4,
  planes: [plane(8, 16), plane(4, 4), plane(0, 4)],
  columns: '32',
  dequantise,
  fill: withMinimum(24, 31),
  defects: [
    {
      kind: 'index',
      what: 'scales read a vec4 late',
      from: 'planeVec4s(4u * blocks)',
      to: 'planeVec4s(4u * blocks + 16u)',
    },
  ],
});
