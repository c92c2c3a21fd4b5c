import { defineType, plane } from '../define-type';
import { q4_0 } from '../q4_0/type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Three bits a weight; a scale of six bits for each 16. */
export const q3_k = defineType({
  name: 'Q3_K',
  id: 11,
  blockSize: 256,
  typeSize: 110,
  activations: 'q8_K',
  fallback: q4_0,
  floats: [f16At(108)],
  firstBit: [0, 0],
  quantsAt: 0,
  planes: [plane(0, 110, 112)],
  columns: '4x16',
  dequantise,
  fill: scaled(110, 108, evenRms(-4, 3) * evenRms(-32, 31)),
  defects: [{ kind: 'scale', what: 'offset 3 instead of 4', from: '<< 2u)) - 4.0', to: '<< 2u)) - 3.0' }],
});
