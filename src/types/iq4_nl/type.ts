import { defineType, plane } from '../define-type';
import { rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ4_LEVELS } from '../lib/iq4-levels';
import { dequantise } from './dequantise';

/** One of 16 uneven levels a weight and a scale for each 32. */
export const iq4_nl = defineType({
  name: 'IQ4_NL',
  id: 20,
  blockSize: 32,
  typeSize: 18,
  activations: 'q8_0',
  floats: [f16At(0)],
  firstBit: [2, 3],
  quantsAt: 2,
  planes: [plane(2, 16), plane(0, 2)],
  columns: '32',
  dequantise,
  fill: scaled(18, 0, rmsOf(IQ4_LEVELS)),
  defects: [{ kind: 'type', what: 'one level of the codebook off by 1', from: '0x71594535u', to: '0x71594536u' }],
});
