import { defineType, plane } from '../define-type';
import { q4_0 } from '../q4_0/type';
import { evenRms, evenRmsAround, type FillBlock, fillBytes, jittered, nearby, putF16 } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Minima near the scales, which centre the quants. */
const fill: FillBlock = (bytes, at, rms, random) => {
  fillBytes(bytes, at, at + 84, random);
  for (let g = 0; g < 16; g++) {
    const scale = random.below(16);
    bytes[at + g] = scale | (nearby(scale, 15, random) << 4);
  }
  const d = jittered(rms / (evenRmsAround(3) * evenRms(0, 15)), random);
  putF16(bytes, at + 80, d);
  putF16(bytes, at + 82, 1.5 * d);
};

/** Two bits a weight; scale and minimum of four bits for each 16. */
export const q2_k = defineType({
  name: 'Q2_K',
  id: 10,
  blockSize: 256,
  typeSize: 84,
  activations: 'q8_K',
  fallback: q4_0,
  floats: [f16At(80), f16At(82)],
  firstBit: [16, 1],
  quantsAt: 16,
  planes: [plane(0, 80), plane(80, 4)],
  columns: '4x16',
  dequantise,
  fill,
  defects: [
    {
      kind: 'sign',
      what: 'the minimum of one group added',
      from: 'b * unsignedBytes(second.x) - bMin',
      to: 'b * unsignedBytes(second.x) + bMin',
    },
  ],
});
