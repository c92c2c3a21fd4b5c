import type { FloatField } from '../../types/lib/float-field';
import { F16_VALUES } from '../../types/lib/float16';
import { HALF_UE4M3 } from '../../types/lib/ue4m3';
import { typeOf, type QuantType } from '../../types/types';

/** What was counted in some blocks of one type. Scales are the floats of a block; of a float type they are the values themselves. */
export interface BlockStatistics {
  scales: number;
  nan: number;
  infinite: number;
  zero: number;
  subnormal: number;
  /** Largest magnitude, and the sum of squares of all: of finite scales. */
  largest: number;
  squares: number;
  /** Whether all scales so far are one and the same, and which. */
  isConstant: boolean;
  first: number;
  /** Whether every byte is 0. */
  isBlank: boolean;
  /** Of all bytes, in their order. */
  hash: number;
}

export function noStatistics(): BlockStatistics {
  return {
    scales: 0,
    nan: 0,
    infinite: 0,
    zero: 0,
    subnormal: 0,
    largest: 0,
    squares: 0,
    isConstant: true,
    first: NaN,
    isBlank: true,
    hash: 0x811c_9dc5,
  };
}

/** Smallest magnitudes that are normal in each format: below lie subnormals, which some GPUs flush to 0. */
const SMALLEST_NORMAL = { f32: 2 ** -126, f16: 2 ** -14, bf16: 2 ** -126, e8m0: 2 ** -126, ue4m3: 2 ** -7 } as const;

/** Adds whole blocks to what was counted before them. */
export function countBlocks(type: QuantType, bytes: Uint8Array<ArrayBuffer>, into: BlockStatistics): void {
  const { typeSize, floats } = typeOf(type);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const field of floats) countField(field, typeSize, view, into);
  hashBytes(view, into);
}

/** One float of every block. */
function countField(field: FloatField, stride: number, view: DataView, into: BlockStatistics): void {
  const valueAt = readerOf(field, view);
  const normal = SMALLEST_NORMAL[field.format];
  let { nan, infinite, zero, subnormal, largest, squares, isConstant, first } = into;
  const count = view.byteLength / stride;
  for (let block = 0, at = 0; block < count; block++, at += stride) {
    const value = valueAt(at);
    const size = Math.abs(value);
    if (size < Infinity) {
      squares += size * size;
      if (size > largest) largest = size;
      if (size < normal) {
        if (size === 0) zero++;
        else subnormal++;
      }
    } else if (size === Infinity) infinite++;
    else nan++;
    if (isConstant && value !== first) {
      if (into.scales === 0 && block === 0) first = value;
      else isConstant = false;
    }
  }
  into.scales += count;
  Object.assign(into, { nan, infinite, zero, subnormal, largest, squares, isConstant, first });
}

function readerOf({ format, at }: FloatField, view: DataView): (block: number) => number {
  if (typeof at !== 'number') {
    const [a = 0, b = 0, c = 0, d = 0] = at;
    // Four bits of each byte's high half, the lowest first.
    return (block) =>
      F16_VALUES[
        (view.getUint8(block + a) >> 4) |
          (view.getUint8(block + b) & 0xf0) |
          ((view.getUint8(block + c) & 0xf0) << 4) |
          ((view.getUint8(block + d) & 0xf0) << 8)
      ] ?? NaN;
  }
  switch (format) {
    case 'f32':
      return (block) => view.getFloat32(block + at, true);
    case 'f16':
      return (block) => F16_VALUES[view.getUint16(block + at, true)] ?? NaN;
    case 'bf16':
      // An f32 whose lower half is not there: what lies behind it must not count.
      return (block) => BF16_VALUES[view.getUint16(block + at, true)] ?? NaN;
    case 'e8m0':
      return (block) => E8M0_VALUES[view.getUint8(block + at)] ?? NaN;
    case 'ue4m3':
      return (block) => 2 * (HALF_UE4M3[view.getUint8(block + at)] ?? NaN);
  }
}

const BF16_VALUES = new Float32Array(Uint32Array.from({ length: 65536 }, (_, bits) => bits << 16).buffer);

/** 2^(code - 127); the last one makes values of 2^128 and more, infinite in f32. */
const E8M0_VALUES = Float64Array.from({ length: 256 }, (_, code) => (code === 255 ? Infinity : 2 ** (code - 127)));

/** FNV-1a over words of four bytes in four lanes, which is as fast as memory is read. The bytes behind the last word one by one. */
function hashBytes(view: DataView, into: BlockStatistics): void {
  const PRIME = 0x0100_0193;
  let [a, b, c, d] = [into.hash, into.hash ^ 1, into.hash ^ 2, into.hash ^ 3];
  let any = 0;
  let at = 0;
  for (const end = view.byteLength - 15; at < end; at += 16) {
    const w0 = view.getUint32(at, true);
    const w1 = view.getUint32(at + 4, true);
    const w2 = view.getUint32(at + 8, true);
    const w3 = view.getUint32(at + 12, true);
    any |= w0 | w1 | w2 | w3;
    a = Math.imul(a ^ w0, PRIME);
    b = Math.imul(b ^ w1, PRIME);
    c = Math.imul(c ^ w2, PRIME);
    d = Math.imul(d ^ w3, PRIME);
    // A product carries upwards only: what differs in the highest bits must reach the lowest.
    a ^= d >>> 15;
    c ^= b >>> 13;
  }
  for (; at < view.byteLength; at++) {
    const byte = view.getUint8(at);
    any |= byte;
    a = Math.imul(a ^ byte, PRIME);
  }
  into.hash = Math.imul(Math.imul(Math.imul(a, PRIME) ^ b, PRIME) ^ c, PRIME) ^ d;
  if (any !== 0) into.isBlank = false;
}
