import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ2_XS_GRID } from '../lib/grids/iq2_xs';
import { dequantise } from './dequantise';

/** What a scale of four bits multiplies d by. */
const SCALES = Array.from({ length: 16 }, (_, s) => (0.5 + s) / 4);

/** 2.31 bits a weight: rows of eight out of 512, with signs; a scale of four bits for each 16. */
export const iq2_xs = defineType({
  name: 'IQ2_XS',
  id: 17,
  blockSize: 256,
  typeSize: 74,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [3, 1],
  quantsAt: 2,
  planes: [plane(2, 64), plane(66, 8), plane(0, 2)],
  columns: '32',
  grid: IQ2_XS_GRID,
  dequantise,
  fill: scaled(74, 0, rmsOf(IQ2_XS_GRID.entries) * rmsOf(SCALES)),
  defects: [
    { kind: 'index', what: 'the highest bit of rows lost', from: '& vec4(0x1ffu)', to: '& vec4(0xffu)' },
    { kind: 'sign', what: 'signs a bit too low', from: 'rows >> vec4(9u)', to: 'rows >> vec4(8u)' },
    { kind: 'scale', what: 'the first scale for all 32', from: '(s >> 4u) & 15u', to: 's & 15u' },
  ],
});
