import { f16Bits } from '../../base/float';
import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { type FillBlock, fillBytes, signed } from '../lib/fill';
import { putFloat, type FloatField } from '../lib/float-field';
import { IQ1_GRID } from '../lib/grids/iq1';
import { IQ1_UNIT } from '../lib/iq1-unit';
import { dequantise } from './dequantise';

const D: FloatField = { format: 'f16', at: [49, 51, 53, 55] };

const fill: FillBlock = (bytes, at, rms, random) => {
  fillBytes(bytes, at, at + 56, random);
  putFloat(bytes, at, D, f16Bits(signed(rms / IQ1_UNIT, random)));
};

/** 1.75 bits a weight: as IQ1_S, with a delta for each 8 weights and a scale for each 16. */
export const iq1_m = defineType({
  name: 'IQ1_M',
  id: 29,
  blockSize: 256,
  typeSize: 56,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [D],
  firstBit: [0, 0],
  quantsAt: 0,
  planes: [plane(0, 48), plane(48, 8)],
  columns: '32',
  grid: IQ1_GRID,
  dequantise,
  fill,
  defects: [
    {
      kind: 'scale',
      what: 'the scales of the first half of 64 for the second',
      from: '16u * ((g >> 1u) & 1u) + 6u * (g & 1u)',
      to: '16u * ((g >> 1u) & 1u)',
    },
    { kind: 'type', what: 'the sign of d lost', from: '(b >> 16u) & 0xf000u', to: '(b >> 16u) & 0x7000u' },
    { kind: 'sign', what: 'delta always positive', from: 'high & vec4(8u)', to: 'high & vec4(0u)' },
  ],
});
