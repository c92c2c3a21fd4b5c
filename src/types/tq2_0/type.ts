import { defineType, plane } from '../define-type';
import { q4_0 } from '../q4_0/type';
import { evenRms, type FillBlock, putF16, signed } from '../lib/fill';
import { f16At } from '../lib/float-field';
import { dequantise } from './dequantise';

/** Quants of 0 to 2: a file never holds the fourth. */
const fill: FillBlock = (bytes, at, rms, random) => {
  for (let i = 0; i < 64; i++) {
    const four = random.below(81);
    bytes[at + i] =
      (four % 3) | ((Math.floor(four / 3) % 3) << 2) | ((Math.floor(four / 9) % 3) << 4) | (Math.floor(four / 27) << 6);
  }
  putF16(bytes, at + 64, signed(rms / evenRms(-1, 1), random));
};

/** Ternary: two bits a weight and a scale for each 256. */
export const tq2_0 = defineType({
  name: 'TQ2_0',
  id: 35,
  blockSize: 256,
  typeSize: 66,
  activations: 'q8_K',
  fallback: q4_0,
  floats: [f16At(64)],
  firstBit: [0, 1],
  quantsAt: 0,
  planes: [plane(0, 64), plane(64, 2)],
  columns: '4x16',
  dequantise,
  fill,
  defects: [
    { kind: 'index', what: 'every second run read as the one before', from: '4u * chunk + 2u', to: '4u * chunk' },
    { kind: 'scale', what: 'a middle of 2 instead of 1', from: '0x03030303u) - 1.0', to: '0x03030303u) - 2.0' },
  ],
});
