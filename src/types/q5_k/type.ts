import { defineType, plane } from '../define-type';
import { q5_1 } from '../q5_1/type';
import { f16At } from '../lib/float-field';
import { superBlock6 } from '../lib/k-scales';
import { dequantise } from './dequantise';

/** Five bits a weight; scale and minimum of six bits for each 32. */
export const q5_k = defineType({
  name: 'Q5_K',
  id: 13,
  blockSize: 256,
  typeSize: 176,
  activations: 'q8_K',
  fallback: q5_1,
  floats: [f16At(0), f16At(2)],
  firstBit: [16, 0],
  quantsAt: 16,
  planes: [plane(0, 176)],
  columns: '64',
  dequantise,
  fill: superBlock6(176, 31),
  defects: [
    {
      kind: 'index',
      what: 'fifth bits of chunk 0 for both',
      from: '(fifths >> vec4(chunk))',
      to: '(fifths >> vec4(0u))',
    },
  ],
});
