import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ2_XXS_GRID } from '../lib/grids/iq2_xxs';
import { dequantise } from './dequantise';

/** What a scale of four bits multiplies d by. */
const SCALES = Array.from({ length: 16 }, (_, s) => (0.5 + s) / 4);

/** 2.06 bits a weight: rows of eight out of 256, with signs; a scale of four bits for each 32. */
export const iq2_xxs = defineType({
  name: 'IQ2_XXS',
  id: 16,
  blockSize: 256,
  typeSize: 66,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [6, 0],
  quantsAt: 2,
  planes: [plane(2, 64), plane(0, 2)],
  columns: '32',
  grid: IQ2_XXS_GRID,
  dequantise,
  fill: scaled(66, 0, rmsOf(IQ2_XXS_GRID.entries) * rmsOf(SCALES)),
  defects: [
    { kind: 'type', what: 'the level 43 read as 42', from: '17u * c + (c >> vec4(1u))', to: '17u * c' },
    { kind: 'sign', what: 'the eighth sign left out', from: 'k | ((countOneBits(k) & vec4(1u)) << vec4(7u))', to: 'k' },
    {
      kind: 'scale',
      what: 'a half step of the scale left out',
      from: '(0.5 + f32(group.y >> 28u))',
      to: 'f32(group.y >> 28u)',
    },
  ],
});
