import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { evenRms, rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ4_LEVELS } from '../lib/iq4-levels';
import { dequantise } from './dequantise';

/** One of 16 uneven levels a weight; a scale of six bits for each 32. */
export const iq4_xs = defineType({
  name: 'IQ4_XS',
  id: 23,
  blockSize: 256,
  typeSize: 136,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [8, 3],
  quantsAt: 8,
  planes: [plane(8, 128), plane(0, 8)],
  columns: '32',
  dequantise,
  fill: scaled(136, 0, rmsOf(IQ4_LEVELS) * evenRms(-32, 31)),
  defects: [{ kind: 'type', what: 'one of two high bits of scales lost', from: '& 3u) << 4u', to: '& 1u) << 4u' }],
});
