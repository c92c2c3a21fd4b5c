import { f32Bits } from '../base/float';
import { seededRandom, type Random } from '../base/random';
import { rowBytes } from '../gguf/ggml-types';
import { putFloat, type FloatFormat } from '../types/lib/float-field';
import { typeOf, type QuantType } from '../types/types';

/** f16: 0, -0, smallest and largest subnormal, smallest normal, 1, largest and its negative. */
const EXTREME_HALVES = [0x0000, 0x8000, 0x0001, 0x8001, 0x03ff, 0x0400, 0x3c00, 0x7bff, 0xfbff];
/** E8M0 exponents of MXFP4: from the smallest scale that gives normal f32 (2^-126) to a large one. */
const EXTREME_EXPONENTS = [2, 3, 60, 127, 128, 160];
/** UE4M3 codes of NVFP4: zero, subnormals, the smallest normal, the largest, the one that is zero, and the same with the ignored bit. */
const EXTREME_MINIFLOATS = [0, 1, 7, 8, 0x7e, 0x7f, 0x80, 0x81, 0xff];
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
  const { blockSize, typeSize, floats } = typeOf(type);
  if (blockSize > 1) for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  // Everything in a block but its floats may be any bits.
  const bits = RANDOM_BITS[kind];
  for (let block = 0; block < bytes.length; block += typeSize) {
    for (const field of floats) putFloat(bytes, block, field, bits[field.format](random));
  }
  return bytes;
}

/** Bits of a random float of each format. */
type RandomBits = Readonly<Record<FloatFormat, (random: Random) => number>>;

/** Values of float types, scales and minima of the others. */
const RANDOM_BITS: Readonly<Record<'normal' | 'extreme', RandomBits>> = {
  normal: {
    f32: (random) => f32Bits(0.05 * random.normal()),
    bf16: (random) => f32Bits(0.05 * random.normal()) >>> 16,
    f16: smallHalf,
    e8m0: (random) => 118 + random.below(6),
    // Scales of 2^-6 to 2^-2.
    ue4m3: (random) => 8 + random.below(32),
  },
  extreme: {
    f32: (random) => f32Bits(pick(EXTREME_FLOATS, random)),
    bf16: (random) => f32Bits(pick(EXTREME_FLOATS, random)) >>> 16,
    f16: (random) => pick(EXTREME_HALVES, random),
    e8m0: (random) => pick(EXTREME_EXPONENTS, random),
    ue4m3: (random) => pick(EXTREME_MINIFLOATS, random),
  },
};

/** An f16 of magnitude 2^-9 to 2^-5, either sign. */
function smallHalf(random: Random): number {
  return (random.below(2) << 15) | ((6 + random.below(4)) << 10) | random.below(1024);
}

function pick(values: readonly number[], random: Random): number {
  return values[random.below(values.length)] ?? 0;
}
