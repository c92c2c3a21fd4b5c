import { f32Bits } from '../base/float';
import { seededRandom, type Random } from '../base/random';
import { ggmlType, rowBytes, type QuantType } from '../gguf/ggml-types';

/** Where a block's f16 scales lie; everything else in a block may be any bits. MXFP4 has an exponent byte instead. */
const HALF_FIELDS: Readonly<Record<Exclude<QuantType, 'F32' | 'F16' | 'BF16' | 'MXFP4'>, readonly number[]>> = {
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q8_0: [0],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  IQ4_NL: [0],
  IQ4_XS: [0],
};

/** f16: 0, -0, smallest and largest subnormal, smallest normal, 1, largest and its negative. */
const EXTREME_HALVES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0xfbff];
/** E8M0 exponents of MXFP4: from the smallest scale that gives normal f32 (2^-126) to a large one. */
const EXTREME_EXPONENTS = [2, 3, 60, 127, 128, 160];
/** bf16 has the exponents of f32: its subnormals are those of f32. */
const EXTREME_FLOATS = [0, -0, 2 ** -130, -(2 ** -133), 2 ** -126, -(2 ** -126), 2 ** -24, -1, 1e4, -65504];

export type WeightKind = 'normal' | 'extreme' | 'zero';

/** `nRows` rows of `nIn` elements of valid blocks, seeded: of ordinary size (`normal`), with scales at the edges of f16, or all zero bits. */
export function randomWeights(
  type: QuantType,
  nRows: number,
  nIn: number,
  kind: WeightKind,
  seed: number,
): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const bytes = new Uint8Array(nRows * rowBytes(type, nIn));
  if (kind === 'zero') return bytes;
  const view = new DataView(bytes.buffer);
  if (type === 'F32' || type === 'F16' || type === 'BF16') {
    for (let i = 0; i < nRows * nIn; i++) {
      const value = kind === 'normal' ? 0.05 * random.normal() : pick(EXTREME_FLOATS, random);
      if (type === 'F32') view.setFloat32(4 * i, value, true);
      else if (type === 'BF16') view.setUint16(2 * i, f32Bits(value) >>> 16, true);
      else view.setUint16(2 * i, kind === 'normal' ? smallHalf(random) : pick(EXTREME_HALVES, random), true);
    }
    return bytes;
  }
  const { typeSize } = ggmlType(type);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  for (let block = 0; block < bytes.length; block += typeSize) {
    if (type === 'MXFP4') {
      bytes[block] = kind === 'normal' ? 118 + random.below(6) : pick(EXTREME_EXPONENTS, random);
      continue;
    }
    for (const field of HALF_FIELDS[type]) {
      view.setUint16(block + field, kind === 'normal' ? smallHalf(random) : pick(EXTREME_HALVES, random), true);
    }
  }
  return bytes;
}

/** An f16 of magnitude 2^-9 to 2^-5, either sign. */
function smallHalf(random: Random): number {
  return (random.below(2) << 15) | ((6 + random.below(4)) << 10) | random.below(1024);
}

function pick(values: readonly number[], random: Random): number {
  return values[random.below(values.length)] ?? 0;
}
