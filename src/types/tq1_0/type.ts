import { defineType, plane } from '../define-type';
import { q4_0 } from '../q4_0/type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Ternary: five base-3 digits a byte and a scale for each 256. */
export const tq1_0 = defineType({
  name: 'TQ1_0',
  id: 34,
  blockSize: 256,
  typeSize: 54,
  activations: 'q8_K',
  fallback: q4_0,
  floats: [f16At(52)],
  firstBit: [0, 7],
  quantsAt: 0,
  planes: [plane(0, 48), plane(48, 4), plane(52, 2)],
  columns: '32',
  dequantise,
  fill: scaled(54, 52, evenRms(-1, 1)),
  defects: [
    { kind: 'type', what: 'digits of nine bits', from: '& vec4(255u)', to: '& vec4(511u)' },
    {
      kind: 'index',
      what: 'the last digit of the tail read as the one before',
      from: '81u, vec4(1u, 3u, 9u, 27u)',
      to: '81u, vec4(1u, 3u, 9u, 9u)',
    },
    {
      kind: 'scale',
      what: 'a middle of 2 instead of 1',
      from: '(vec4<f32>(digits) - 1.0)',
      to: '(vec4<f32>(digits) - 2.0)',
    },
  ],
});
