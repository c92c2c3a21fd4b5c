import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ2_S_GRID } from '../lib/grids/iq2_s';
import { dequantise } from './dequantise';

/** What a scale of four bits multiplies d by. */
const SCALES = Array.from({ length: 16 }, (_, s) => (0.5 + s) / 4);

/** 2.56 bits a weight: rows of eight out of 1024, with signs; a scale of four bits for each 16. */
export const iq2_s = defineType({
  name: 'IQ2_S',
  id: 22,
  blockSize: 256,
  typeSize: 82,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [34, 0],
  quantsAt: 2,
  planes: [plane(2, 64), plane(66, 16), plane(0, 2)],
  columns: '32',
  grid: IQ2_S_GRID,
  dequantise,
  fill: scaled(82, 0, rmsOf(IQ2_S_GRID.entries) * rmsOf(SCALES)),
  defects: [
    {
      kind: 'index',
      what: 'the two high bits of rows lost',
      from: 'gridRows(unit.rows, high)',
      to: 'gridRows(unit.rows, vec4(0u))',
    },
    { kind: 'sign', what: 'rows taken for signs', from: 'weights[at + 2u][g & 3u]', to: 'weights[at][g & 3u]' },
    {
      kind: 'scale',
      what: 'the high bit of every second scale lost',
      from: '(head.y >> 4u) & 15u',
      to: '(head.y >> 4u) & 7u',
    },
  ],
});
