import { f16ToNumber } from '../../src/base/float';
import type { QuantType } from '../../src/gguf/ggml-types';

/*
 * Slow dequantisation to test the fast one against: one element at a time, from the block structs of ggml-common.h, with every float
 * operation of the C code rounded to f32 as C rounds it. Deliberately without the shortcuts of src/types.
 */

const f = Math.fround;

interface Block {
  u8(at: number): number;
  i8(at: number): number;
  u16(at: number): number;
  f16(at: number): number;
  u32(at: number): number;
}

function blockAt(bytes: Uint8Array, start: number): Block {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  return {
    u8: (at) => view.getUint8(at),
    i8: (at) => view.getInt8(at),
    u16: (at) => view.getUint16(at, true),
    f16: (at) => f16ToNumber(view.getUint16(at, true)),
    u32: (at) => view.getUint32(at, true),
  };
}

/** Element `i` of the block that starts at byte `start`. */
export function textbookValue(type: QuantType, bytes: Uint8Array, start: number, i: number): number {
  return ELEMENT[type](blockAt(bytes, start), i);
}

/** Nibble of element i in the types with blocks of 32: the first 16 are the low nibbles. */
function nibble32(b: Block, quants: number, i: number): number {
  const byte = b.u8(quants + (i % 16));
  return i < 16 ? byte % 16 : Math.floor(byte / 16);
}

function bit(word: number, n: number): number {
  return Math.floor(word / 2 ** n) % 2;
}

/** Two bits of element i in Q2_K and Q3_K: each half of 128 has 32 bytes; element 32 j + l of the half is bits 2j, 2j+1 of byte l. */
function crumb(b: Block, quants: number, i: number): number {
  const half = Math.floor(i / 128);
  const j = Math.floor((i % 128) / 32);
  return Math.floor(b.u8(quants + 32 * half + (i % 32)) / 4 ** j) % 4;
}

/** The 6-bit scales and minima of Q4_K and Q5_K: ggml's `get_scale_min_k4`. */
function scaleMin(b: Block, scales: number, j: number): { scale: number; min: number } {
  const q = (n: number): number => b.u8(scales + n);
  if (j < 4) return { scale: q(j) & 63, min: q(j + 4) & 63 };
  return { scale: (q(j + 4) & 0xf) | ((q(j - 4) >> 6) << 4), min: (q(j + 4) >> 4) | ((q(j) >> 6) << 4) };
}

/** The 16 6-bit scales of Q3_K: the C code's shuffle of three u32. */
function q3Scale(b: Block, scales: number, index: number): number {
  const kmask1 = 0x03030303;
  const kmask2 = 0x0f0f0f0f;
  const aux = [b.u32(scales), b.u32(scales + 4), 0, 0];
  const tmp = b.u32(scales + 8);
  const [a0 = 0, a1 = 0] = aux;
  aux[2] = ((a0 >>> 4) & kmask2) | (((tmp >>> 4) & kmask1) << 4);
  aux[3] = ((a1 >>> 4) & kmask2) | (((tmp >>> 6) & kmask1) << 4);
  aux[0] = (a0 & kmask2) | ((tmp & kmask1) << 4);
  aux[1] = (a1 & kmask2) | (((tmp >>> 2) & kmask1) << 4);
  return ((aux[index >> 2] ?? 0) >>> (8 * (index % 4))) & 0xff;
}

const IQ4_NL = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/** FP4 E2M1: sign, two bits of exponent, one of mantissa; ggml doubles them and drops the sign of zero. */
const E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6];

const ELEMENT: Readonly<Record<QuantType, (b: Block, i: number) => number>> = {
  F32: (b) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, b.u32(0));
    return view.getFloat32(0);
  },
  F16: (b) => b.f16(0),
  BF16: (b) => {
    const view = new DataView(new ArrayBuffer(4));
    view.setUint16(0, b.u16(0));
    return view.getFloat32(0);
  },
  Q8_0: (b, i) => f(b.i8(2 + i) * b.f16(0)),
  Q4_0: (b, i) => f((nibble32(b, 2, i) - 8) * b.f16(0)),
  Q4_1: (b, i) => f(f(nibble32(b, 4, i) * b.f16(0)) + b.f16(2)),
  Q5_0: (b, i) => f((nibble32(b, 6, i) + 16 * bit(b.u32(2), i) - 16) * b.f16(0)),
  Q5_1: (b, i) => f(f((nibble32(b, 8, i) + 16 * bit(b.u32(4), i)) * b.f16(0)) + b.f16(2)),
  Q2_K: (b, i) => {
    const scale = b.u8(Math.floor(i / 16));
    const dl = f(b.f16(80) * (scale % 16));
    const ml = f(b.f16(82) * Math.floor(scale / 16));
    return f(f(dl * crumb(b, 16, i)) - ml);
  },
  Q3_K: (b, i) => {
    const dl = f(b.f16(108) * (q3Scale(b, 96, Math.floor(i / 16)) - 32));
    const high = bit(b.u8(i % 32), Math.floor(i / 32));
    return f(dl * (crumb(b, 32, i) - (high === 1 ? 0 : 4)));
  },
  Q4_K: (b, i) => {
    const { scale, min } = scaleMin(b, 4, Math.floor(i / 32));
    const byte = b.u8(16 + 32 * Math.floor(i / 64) + (i % 32));
    const q = i % 64 < 32 ? byte % 16 : Math.floor(byte / 16);
    return f(f(f(b.f16(0) * scale) * q) - f(b.f16(2) * min));
  },
  Q5_K: (b, i) => {
    const group = Math.floor(i / 32);
    const { scale, min } = scaleMin(b, 4, group);
    const byte = b.u8(48 + 32 * Math.floor(i / 64) + (i % 32));
    const q = (i % 64 < 32 ? byte % 16 : Math.floor(byte / 16)) + 16 * bit(b.u8(16 + (i % 32)), group);
    return f(f(f(b.f16(0) * scale) * q) - f(b.f16(2) * min));
  },
  Q6_K: (b, i) => {
    // Halves of 128 elements: four runs of 32 share 64 low bytes (low nibbles of both halves, then high nibbles) and 32 high bytes.
    const half = Math.floor(i / 128);
    const run = Math.floor((i % 128) / 32);
    const l = i % 32;
    const byte = b.u8(64 * half + 32 * (run % 2) + l);
    const low = run < 2 ? byte % 16 : Math.floor(byte / 16);
    const high = Math.floor(b.u8(128 + 32 * half + l) / 4 ** run) % 4;
    const scale = b.i8(192 + 8 * half + Math.floor(l / 16) + 2 * run);
    return f(f(b.f16(208) * scale) * (low + 16 * high - 32));
  },
  IQ4_NL: (b, i) => f(b.f16(0) * (IQ4_NL[nibble32(b, 2, i)] ?? NaN)),
  IQ4_XS: (b, i) => {
    const group = Math.floor(i / 32);
    const low = Math.floor(b.u8(4 + Math.floor(group / 2)) / 16 ** (group % 2)) % 16;
    const high = Math.floor(b.u16(2) / 4 ** group) % 4;
    return f(f(b.f16(0) * (low + 16 * high - 32)) * (IQ4_NL[nibble32(b, 8 + 16 * group, i % 32)] ?? NaN));
  },
  MXFP4: (b, i) => f((E2M1[nibble32(b, 1, i)] ?? NaN) * 2 ** (b.u8(0) - 127)),
};
