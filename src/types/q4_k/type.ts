import { defineType, plane } from '../define-type';
import { q5_0 } from '../q5_0/type';
import { f16At } from '../lib/float-field';
import { superBlock6 } from '../lib/k-scales';
import { dequantise } from './dequantise';

/** Four bits a weight; scale and minimum of six bits for each 32. */
export const q4_k = defineType({
  name: 'Q4_K',
  id: 12,
  blockSize: 256,
  typeSize: 144,
  activations: 'q8_K',
  fallback: q5_0,
  floats: [f16At(0), f16At(2)],
  firstBit: [16, 3],
  quantsAt: 16,
  planes: [plane(0, 144)],
  columns: '64',
  ownDot: { minimaHead: 16 },
  dequantise,
  fill: superBlock6(144, 15),
  defects: [
    {
      kind: 'type',
      what: 'the high bits of scales lost',
      from: '& 0x0f0fu) | ((b.x & 0xc0c0u)',
      to: '& 0x0f0fu) | ((b.x & 0x8080u)',
    },
  ],
});
