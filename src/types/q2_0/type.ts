import { defineType, plane } from '../define-type';
import { q4_0 } from '../q4_0/type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Two bits a weight, -1 to 2, and a scale for each 64. */
export const q2_0 = defineType({
  name: 'Q2_0',
  id: 42,
  blockSize: 64,
  typeSize: 18,
  activations: 'q8_0',
  fallback: q4_0,
  floats: [f16At(0)],
  firstBit: [2, 1],
  quantsAt: 2,
  planes: [plane(2, 16), plane(0, 2)],
  columns: '32',
  dequantise,
  fill: scaled(18, 0, evenRms(-1, 2)),
  defects: [
    { kind: 'index', what: 'a byte read twice', from: 'fourWeights(d, b >> 24u)', to: 'fourWeights(d, b >> 16u)' },
    { kind: 'scale', what: 'a middle of 2 instead of 1', from: 'vec4(3u)) - 1.0', to: 'vec4(3u)) - 2.0' },
  ],
});
