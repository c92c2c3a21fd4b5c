import { f16Bits } from '../../base/float';
import type { Random } from '../../base/random';

/** Writes one random valid block at `at`: values with about this root mean square, and a mean near zero over many blocks. */
export type FillBlock = (bytes: Uint8Array, at: number, rms: number, random: Random) => void;

/** Root mean square of whole numbers spread evenly over [from, to]. */
export function evenRms(from: number, to: number): number {
  let sum = 0;
  for (let i = from; i <= to; i++) sum += i * i;
  return Math.sqrt(sum / (to - from + 1));
}

/** Root mean square of values. */
export function rmsOf(values: Int8Array | readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value ** 2;
  return Math.sqrt(sum / values.length);
}

/** Root mean square of whole numbers 0..max around their mean. */
export function evenRmsAround(max: number): number {
  return Math.sqrt(((max + 1) ** 2 - 1) / 12);
}

export function fillBytes(bytes: Uint8Array, from: number, to: number, random: Random): void {
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

export function putF16(bytes: Uint8Array, at: number, value: number): void {
  const bits = f16Bits(value);
  bytes[at] = bits;
  bytes[at + 1] = bits >> 8;
}

/** A scale that varies from block to block: 0.75 to 1.25 of `scale`. */
export function jittered(scale: number, random: Random): number {
  return scale * (0.75 + 0.5 * random.uniform());
}

/** The same with a random sign, for types without a minimum, whose scales are of either sign in real files. */
export function signed(scale: number, random: Random): number {
  return random.uint32() < 2 ** 31 ? jittered(scale, random) : -jittered(scale, random);
}

/** Random quants after (or before) one f16 scale at `scaleAt`. `unit`: the RMS of a block with scale 1. */
export function scaled(typeSize: number, scaleAt: number, unit: number): FillBlock {
  return (bytes, at, rms, random) => {
    fillBytes(bytes, at, at + typeSize, random);
    putF16(bytes, at + scaleAt, signed(rms / unit, random));
  };
}

/** Q4_1, Q5_1: f16 scale and f16 minimum, which centres the quants 0..max. */
export function withMinimum(typeSize: number, max: number): FillBlock {
  const centre = max / 2;
  return (bytes, at, rms, random) => {
    fillBytes(bytes, at, at + typeSize, random);
    const d = jittered(rms / evenRmsAround(max), random);
    putF16(bytes, at, d);
    putF16(bytes, at + 2, -centre * d);
  };
}

/** A minimum near the scale: with dmin = d * centre the group is centred, up to this wobble that keeps all bits in play. */
export function nearby(scale: number, limit: number, random: Random): number {
  return Math.min(limit, Math.max(0, scale + random.below(3) - 1));
}

/** Unquantised types: normal values. */
export function normal(put: (bytes: Uint8Array, at: number, value: number) => void): FillBlock {
  return (bytes, at, rms, random) => {
    put(bytes, at, rms * random.normal());
  };
}
