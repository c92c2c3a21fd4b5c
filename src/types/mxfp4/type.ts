import { defineType, plane } from '../define-type';
import { E2M1_DOUBLED } from '../lib/e2m1';
import { type FillBlock, fillBytes, rmsOf } from '../lib/fill';
import { dequantise } from './dequantise';

/** Scales are powers of two: a mixture of the two nearest has the wanted mean square. */
const fill: FillBlock = (bytes, at, rms, random) => {
  fillBytes(bytes, at, at + 17, random);
  const scale = rms / rmsOf(E2M1_DOUBLED);
  const exponent = Math.floor(Math.log2(scale));
  const shareOfLarger = ((scale / 2 ** exponent) ** 2 - 1) / 3;
  const chosen = exponent + (random.uniform() < shareOfLarger ? 1 : 0);
  bytes[at] = rms === 0 ? 0 : Math.min(254, Math.max(0, chosen + 128));
};

/** E2M1 weights (OCP microscaling) and a power of two for each 32. */
export const mxfp4 = defineType({
  name: 'MXFP4',
  id: 39,
  blockSize: 32,
  typeSize: 17,
  activations: 'q8_0',
  floats: [{ format: 'e8m0', at: 0 }],
  // Bit 3 is the sign, which a zero would hide.
  firstBit: [1, 2],
  quantsAt: 1,
  planes: [plane(1, 16), plane(0, 1)],
  columns: '32',
  dequantise,
  fill,
  defects: [
    { kind: 'type', what: 'one magnitude wrong', from: '0xc8643210u', to: '0xc8643220u' },
    { kind: 'scale', what: 'exponents 0 and 1 read as 2', from: '0x00200000u << e,', to: '0x00200000u << max(e, 2u),' },
  ],
});
