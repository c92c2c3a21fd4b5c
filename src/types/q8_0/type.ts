import { defineType, plane } from '../define-type';
import { evenRms, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Eight bits a weight and a scale for each 32. */
export const q8_0 = defineType({
  name: 'Q8_0',
  id: 8,
  blockSize: 32,
  typeSize: 34,
  activations: 'q8_0',
  floats: [f16At(0)],
  firstBit: [2, 7],
  quantsAt: 2,
  planes: [plane(2, 32), plane(0, 2)],
  columns: '32',
  ownDot: {},
  dequantise,
  fill: scaled(34, 0, evenRms(-128, 127)),
  defects: [
    {
      kind: 'type',
      what: 'signed bytes read as unsigned',
      from: 'vec4<f32>(unpack4xI8(word))',
      to: 'vec4<f32>(unpack4xU8(word))',
    },
  ],
});
