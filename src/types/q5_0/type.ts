import { defineType, plane } from '../define-type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Five bits a weight and a scale for each 32. */
export const q5_0 = defineType({
  name: 'Q5_0',
  id: 6,
  blockSize: 32,
  typeSize: 22,
  activations: 'q8_0',
  floats: [f16At(0)],
  firstBit: [2, 0],
  quantsAt: 2,
  planes: [plane(6, 16), plane(2, 4), plane(0, 2)],
  columns: '32',
  dequantise,
  fill: scaled(22, 0, evenRms(-16, 15)),
  defects: [
    { kind: 'index', what: 'a fifth bit one to the right', from: '(four & 8u) << 25u', to: '(four & 8u) << 24u' },
  ],
});
