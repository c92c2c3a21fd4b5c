import { f16Bits } from '../base/float';
import type { Random } from '../base/random';
import { IQ4_LEVELS, MXFP4_LEVELS } from './dequant/codebook';
import { ggmlType, type QuantType } from './ggml-types';

/**
 * Random valid blocks of any type, for shapes and types that no real file offers: every quant bit and every scale is random, and the f16
 * scales are set so that the dequantised values have about the wanted root mean square and a mean near zero.
 * @returns the bytes of `nElements` elements (whole blocks)
 */
export function randomBlocks(type: QuantType, nElements: number, rms: number, random: Random): Uint8Array<ArrayBuffer> {
  const { blockSize, typeSize } = ggmlType(type);
  if (nElements % blockSize !== 0) throw new RangeError(`${nElements} elements are no whole number of ${type} blocks`);
  const bytes = new Uint8Array((nElements / blockSize) * typeSize);
  const fill = FILL[type];
  for (let at = 0; at < bytes.length; at += typeSize) fill(bytes, at, rms, random);
  return bytes;
}

/** Writes one block at `at`. */
type FillBlock = (bytes: Uint8Array, at: number, rms: number, random: Random) => void;

/** Root mean square of whole numbers spread evenly over [from, to]. */
function evenRms(from: number, to: number): number {
  let sum = 0;
  for (let i = from; i <= to; i++) sum += i * i;
  return Math.sqrt(sum / (to - from + 1));
}

function levelRms(levels: Int8Array): number {
  return Math.sqrt(levels.reduce((sum, level) => sum + level * level, 0) / levels.length);
}

function fillBytes(bytes: Uint8Array, from: number, to: number, random: Random): void {
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word = random.uint32();
    bytes[at] = word;
    bytes[at + 1] = word >>> 8;
    bytes[at + 2] = word >>> 16;
    bytes[at + 3] = word >>> 24;
  }
  for (; at < to; at++) bytes[at] = random.uint32() >>> 24;
}

function putF16(bytes: Uint8Array, at: number, value: number): void {
  const bits = f16Bits(value);
  bytes[at] = bits;
  bytes[at + 1] = bits >> 8;
}

/** A scale that varies from block to block: 0.75 to 1.25 of `scale`. */
function jittered(scale: number, random: Random): number {
  return scale * (0.75 + 0.5 * random.uniform());
}

/** The same with a random sign, for types without a minimum, whose scales are of either sign in real files. */
function signed(scale: number, random: Random): number {
  return random.uint32() < 2 ** 31 ? jittered(scale, random) : -jittered(scale, random);
}

/** Random quants after (or before) one f16 scale at `scaleAt`. `unit`: the RMS of a block with scale 1. */
function scaled(typeSize: number, scaleAt: number, unit: number): FillBlock {
  return (bytes, at, rms, random) => {
    fillBytes(bytes, at, at + typeSize, random);
    putF16(bytes, at + scaleAt, signed(rms / unit, random));
  };
}

/** Q4_1, Q5_1: f16 scale and f16 minimum, which centres the quants 0..max. */
function withMinimum(typeSize: number, max: number): FillBlock {
  const centre = max / 2;
  return (bytes, at, rms, random) => {
    fillBytes(bytes, at, at + typeSize, random);
    const d = jittered(rms / evenRmsAround(max), random);
    putF16(bytes, at, d);
    putF16(bytes, at + 2, -centre * d);
  };
}

/** Root mean square of whole numbers 0..max around their mean. */
function evenRmsAround(max: number): number {
  return Math.sqrt(((max + 1) ** 2 - 1) / 12);
}

/** A minimum near the scale: with dmin = d * centre the group is centred, up to this wobble that keeps all bits in play. */
function nearby(scale: number, limit: number, random: Random): number {
  return Math.min(limit, Math.max(0, scale + random.below(3) - 1));
}

/** Writes the 12 bytes of 8 scales and 8 minima of 6 bits of Q4_K and Q5_K. */
function packScales6(bytes: Uint8Array, at: number, scales: readonly number[], minima: readonly number[]): void {
  for (let g = 0; g < 4; g++) {
    const [low, high] = [scales[g] ?? 0, scales[g + 4] ?? 0];
    const [lowMin, highMin] = [minima[g] ?? 0, minima[g + 4] ?? 0];
    bytes[at + g] = low | ((high >> 4) << 6);
    bytes[at + g + 4] = lowMin | ((highMin >> 4) << 6);
    bytes[at + g + 8] = (high & 15) | ((highMin & 15) << 4);
  }
}

/** Q4_K, Q5_K. */
function superBlock6(typeSize: number, max: number): FillBlock {
  const unit = evenRmsAround(max) * evenRms(0, 63);
  return (bytes, at, rms, random) => {
    fillBytes(bytes, at, at + typeSize, random);
    const d = jittered(rms / unit, random);
    putF16(bytes, at, d);
    putF16(bytes, at + 2, (d * max) / 2);
    const scales = Array.from({ length: 8 }, () => random.below(64));
    const minima = scales.map((scale) => nearby(scale, 63, random));
    packScales6(bytes, at + 4, scales, minima);
  };
}

const fillQ2K: FillBlock = (bytes, at, rms, random) => {
  fillBytes(bytes, at, at + 84, random);
  for (let g = 0; g < 16; g++) {
    const scale = random.below(16);
    bytes[at + g] = scale | (nearby(scale, 15, random) << 4);
  }
  const d = jittered(rms / (evenRmsAround(3) * evenRms(0, 15)), random);
  putF16(bytes, at + 80, d);
  putF16(bytes, at + 82, 1.5 * d);
};

/** Scales are powers of two: a mixture of the two nearest has the wanted mean square. */
const fillMXFP4: FillBlock = (bytes, at, rms, random) => {
  fillBytes(bytes, at, at + 17, random);
  const scale = rms / levelRms(MXFP4_LEVELS);
  const exponent = Math.floor(Math.log2(scale));
  const shareOfLarger = ((scale / 2 ** exponent) ** 2 - 1) / 3;
  const chosen = exponent + (random.uniform() < shareOfLarger ? 1 : 0);
  bytes[at] = rms === 0 ? 0 : Math.min(254, Math.max(0, chosen + 128));
};

/** Unquantised types: normal values. */
function normal(put: (bytes: Uint8Array, at: number, value: number) => void): FillBlock {
  return (bytes, at, rms, random) => {
    put(bytes, at, rms * random.normal());
  };
}

const scratch = new DataView(new ArrayBuffer(4));

const FILL: Readonly<Record<QuantType, FillBlock>> = {
  F32: normal((bytes, at, value) => {
    scratch.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) bytes[at + i] = scratch.getUint8(i);
  }),
  F16: normal(putF16),
  BF16: normal((bytes, at, value) => {
    scratch.setFloat32(0, value, true);
    for (let i = 0; i < 2; i++) bytes[at + i] = scratch.getUint8(i + 2);
  }),
  Q8_0: scaled(34, 0, evenRms(-128, 127)),
  Q4_0: scaled(18, 0, evenRms(-8, 7)),
  Q4_1: withMinimum(20, 15),
  Q5_0: scaled(22, 0, evenRms(-16, 15)),
  Q5_1: withMinimum(24, 31),
  Q2_K: fillQ2K,
  Q3_K: scaled(110, 108, evenRms(-4, 3) * evenRms(-32, 31)),
  Q4_K: superBlock6(144, 15),
  Q5_K: superBlock6(176, 31),
  Q6_K: scaled(210, 208, evenRms(-32, 31) * evenRms(-128, 127)),
  IQ4_NL: scaled(18, 0, levelRms(IQ4_LEVELS)),
  IQ4_XS: scaled(136, 0, levelRms(IQ4_LEVELS) * evenRms(-32, 31)),
  MXFP4: fillMXFP4,
};
