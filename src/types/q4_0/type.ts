import { defineType, plane } from '../define-type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Four bits a weight and a scale for each 32. */
export const q4_0 = defineType({
  name: 'Q4_0',
  id: 2,
  blockSize: 32,
  typeSize: 18,
  activations: 'q8_0',
  floats: [f16At(0)],
  firstBit: [2, 3],
  quantsAt: 2,
  planes: [plane(2, 16), plane(0, 2)],
  columns: '32',
  dequantise,
  fill: scaled(18, 0, evenRms(-8, 7)),
  defects: [
    {
      kind: 'scale',
      what: 'one offset 7 instead of 8',
      from: '(unsignedBytes(high.w) - 8.0)',
      to: '(unsignedBytes(high.w) - 7.0)',
    },
  ],
});
