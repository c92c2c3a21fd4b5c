import { defineType, plane } from '../define-type';
import { iq4_nl } from '../iq4_nl/type';
import { scaled } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { IQ1_GRID } from '../lib/grids/iq1';
import { IQ1_UNIT } from '../lib/iq1-unit';
import { dequantise } from './dequantise';

/** 1.56 bits a weight: rows of eight of -1, 0, 1 out of 2048; scale of three bits and delta for each 32. */
export const iq1_s = defineType({
  name: 'IQ1_S',
  id: 19,
  blockSize: 256,
  typeSize: 50,
  activations: 'q8_K',
  fallback: iq4_nl,
  floats: [f16At(0)],
  firstBit: [2, 0],
  quantsAt: 2,
  planes: [plane(2, 48), plane(0, 2)],
  columns: '32',
  grid: IQ1_GRID,
  dequantise,
  fill: scaled(50, 0, IQ1_UNIT),
  defects: [
    { kind: 'index', what: 'the highest bit of rows lost', from: 'high & vec4(7u)', to: 'high & vec4(3u)' },
    { kind: 'sign', what: 'delta always positive', from: '(unit.head >> 12u) & 8u', to: '0u' },
    { kind: 'scale', what: 'delta a quarter', from: 'vec4(0.125)', to: 'vec4(0.25)' },
  ],
});
