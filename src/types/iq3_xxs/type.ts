import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { rmsOf, scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ3_XXS_GRID } from '../lib/grids/iq3_xxs';
import { dequantise } from './dequantise';

/** What a scale of four bits multiplies d by. */
const SCALES = Array.from({ length: 16 }, (_, s) => (0.5 + s) / 2);

/** 3.06 bits a weight: rows of four out of 256, with signs; a scale of four bits for each 32. */
export const iq3_xxs = defineType({
  name: 'IQ3_XXS',
  id: 18,
  blockSize: 256,
  typeSize: 98,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [66, 0],
  quantsAt: 2,
  planes: [plane(2, 96), plane(0, 2)],
  columns: '32',
  grid: IQ3_XXS_GRID,
  dequantise,
  fill: scaled(98, 0, rmsOf(IQ3_XXS_GRID.entries) * rmsOf(SCALES)),
  defects: [
    { kind: 'type', what: 'the last level 60 instead of 62', from: ' + 2u * ((c + vec4(1u)) >> vec4(3u))', to: '' },
    { kind: 'sign', what: 'the eighth sign left out', from: 'k | ((countOneBits(k) & vec4(1u)) << vec4(7u))', to: 'k' },
    { kind: 'scale', what: 'a quarter instead of a half', from: '>> 28u)) * 0.5', to: '>> 28u)) * 0.25' },
  ],
});
