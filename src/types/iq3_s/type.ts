import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ3_S_GRID } from '../lib/grids/iq3_s';
import { dequantise } from './dequantise';

/** What a scale of four bits multiplies d by. */
const SCALES = Array.from({ length: 16 }, (_, s) => 1 + 2 * s);

/** 3.44 bits a weight: rows of four out of 512, with signs; a scale of four bits for each 32. */
export const iq3_s = defineType({
  name: 'IQ3_S',
  id: 21,
  blockSize: 256,
  typeSize: 110,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [74, 0],
  quantsAt: 2,
  planes: [plane(2, 64), plane(74, 32), plane(66, 8), plane(106, 4), plane(0, 2)],
  columns: '32',
  grid: IQ3_S_GRID,
  dequantise,
  fill: scaled(110, 0, rmsOf(IQ3_S_GRID.entries) * rmsOf(SCALES)),
  defects: [
    {
      kind: 'index',
      what: 'the ninth bits of the first rows for the last ones',
      from: 'vec4(4u, 5u, 6u, 7u)',
      to: 'vec4(0u, 1u, 2u, 3u)',
    },
    { kind: 'sign', what: 'the signs of every first row for the second', from: 'signs >> vec4(4u)', to: 'signs' },
    { kind: 'scale', what: 'the one added to scales left out', from: '1u + 2u * s', to: '2u * s' },
  ],
});
