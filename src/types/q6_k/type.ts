import { defineType, plane } from '../define-type';
import { q8_0 } from '../q8_0/type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Six bits a weight; a scale of eight bits for each 16. */
export const q6_k = defineType({
  name: 'Q6_K',
  id: 14,
  blockSize: 256,
  typeSize: 210,
  activations: 'q8_K',
  fallback: q8_0,
  floats: [f16At(208)],
  firstBit: [128, 1],
  quantsAt: 0,
  planes: [plane(0, 192), plane(192, 16), plane(208, 2)],
  columns: '4x16',
  ownDot: {},
  dequantise,
  fill: scaled(210, 208, evenRms(-32, 31) * evenRms(-128, 127)),
  defects: [
    {
      kind: 'type',
      what: 'one of two high bits lost',
      from: '(high & 0x03030303u) << 4u',
      to: '(high & 0x01010101u) << 4u',
    },
  ],
});
