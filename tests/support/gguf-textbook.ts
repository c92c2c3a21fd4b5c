import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

/** A grid as llama.cpp's library gives it: one signed byte a value. */
function gridFile(name: string, columns: number): (row: number, column: number) => number {
  const path = fileURLToPath(new URL(`../golden/types/grids/grid-${name}.bin`, import.meta.url));
  let bytes: Buffer | undefined;
  return (row, column) => (bytes ??= readFileSync(path)).readInt8(row * columns + column);
}
const GRID_IQ2_XXS = gridFile('iq2_xxs', 8);
const GRID_IQ2_XS = gridFile('iq2_xs', 8);
const GRID_IQ2_S = gridFile('iq2_s', 8);
const GRID_IQ3_XXS = gridFile('iq3_xxs', 4);
const GRID_IQ3_S = gridFile('iq3_s', 4);
const GRID_IQ1 = gridFile('iq1_s', 8);

/** -1 where sign j of the seven-bit index k is set; the eighth is the parity of the seven. */
function evenSign(k: number, j: number): number {
  if (j < 7) return bit(k, j) === 1 ? -1 : 1;
  let ones = 0;
  for (let i = 0; i < 7; i++) ones += bit(k, i);
  return ones % 2 === 1 ? -1 : 1;
}

/** Four bits of byte `at`, low ones first. */
function nibble(b: Block, at: number, which: number): number {
  return Math.floor(b.u8(at) / 16 ** which) % 16;
}

/** d (2 s + 1) (grid + delta), as the C code rounds it. */
function iq1Value(d: number, s: number, value: number, negative: boolean): number {
  return f(f(d * (2 * s + 1)) * f(value + (negative ? -0.125 : 0.125)));
}

/** The base-3 digit n of a byte, in the arithmetic of eight bits. */
function trit(byte: number, n: number): number {
  return Math.floor((((byte * 3 ** n) % 256) * 3) / 256);
}

function ue4m3(code: number): number {
  const exponent = Math.floor(code / 8) % 16;
  const mantissa = code % 8;
  if (code === 0 || code === 0x7f) return 0;
  return exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7);
}

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
  IQ2_XXS: (b, i) => {
    const [group, l, j] = [Math.floor(i / 32), Math.floor(i / 8) % 4, i % 8];
    const word = b.u32(2 + 8 * group + 4);
    const db = f(f(b.f16(0) * f(0.5 + Math.floor(word / 2 ** 28))) * 0.25);
    const k = Math.floor(word / 2 ** (7 * l)) % 128;
    return f(f(db * GRID_IQ2_XXS(b.u8(2 + 8 * group + l), j)) * evenSign(k, j));
  },
  IQ2_XS: (b, i) => {
    const q = b.u16(2 + 2 * Math.floor(i / 8));
    const scale = nibble(b, 66 + Math.floor(i / 32), Math.floor(i / 16) % 2);
    const db = f(f(b.f16(0) * f(0.5 + scale)) * 0.25);
    return f(f(db * GRID_IQ2_XS(q % 512, i % 8)) * evenSign(Math.floor(q / 512), i % 8));
  },
  IQ2_S: (b, i) => {
    const [eight, l, j] = [Math.floor(i / 8), Math.floor(i / 8) % 4, i % 8];
    const high = Math.floor(b.u8(66 + Math.floor(i / 32)) / 4 ** l) % 4;
    const scale = nibble(b, 74 + Math.floor(i / 32), Math.floor(i / 16) % 2);
    const db = f(f(b.f16(0) * f(0.5 + scale)) * 0.25);
    return f(f(db * GRID_IQ2_S(b.u8(2 + eight) + 256 * high, j)) * (bit(b.u8(34 + eight), j) === 1 ? -1 : 1));
  },
  IQ3_XXS: (b, i) => {
    const group = Math.floor(i / 32);
    const word = b.u32(66 + 4 * group);
    const db = f(f(b.f16(0) * f(0.5 + Math.floor(word / 2 ** 28))) * 0.5);
    const k = Math.floor(word / 2 ** (7 * (Math.floor(i / 8) % 4))) % 128;
    return f(f(db * GRID_IQ3_XXS(b.u8(2 + Math.floor(i / 4)), i % 4)) * evenSign(k, i % 8));
  },
  IQ3_S: (b, i) => {
    const group = Math.floor(i / 32);
    const high = bit(b.u8(66 + group), Math.floor(i / 4) % 8);
    const db = f(b.f16(0) * (1 + 2 * nibble(b, 106 + Math.floor(group / 2), group % 2)));
    const negative = bit(b.u8(74 + Math.floor(i / 8)), i % 8) === 1;
    return f(f(db * GRID_IQ3_S(b.u8(2 + Math.floor(i / 4)) + 256 * high, i % 4)) * (negative ? -1 : 1));
  },
  IQ1_S: (b, i) => {
    const head = b.u16(34 + 2 * Math.floor(i / 32));
    const l = Math.floor(i / 8) % 4;
    const row = b.u8(2 + Math.floor(i / 8)) + 256 * (Math.floor(head / 2 ** (3 * l)) % 8);
    return iq1Value(b.f16(0), Math.floor(head / 4096) % 8, GRID_IQ1(row, i % 8), head >= 32768);
  },
  IQ1_M: (b, i) => {
    const words = [48, 50, 52, 54].map((at) => b.u16(at));
    const bits = words.reduce((sum, word, n) => sum + Math.floor(word / 4096) * 16 ** n, 0);
    const scales = words[Math.floor(i / 64)] ?? NaN;
    const s = Math.floor(scales / 8 ** (Math.floor(i / 16) % 4)) % 8;
    const high = nibble(b, 32 + Math.floor(i / 16), Math.floor(i / 8) % 2);
    const row = b.u8(Math.floor(i / 8)) + 256 * (high % 8);
    return iq1Value(f16ToNumber(bits), s, GRID_IQ1(row, i % 8), high >= 8);
  },
  TQ1_0: (b, i) => {
    const d = b.f16(52);
    if (i < 160) return f((trit(b.u8(i % 32), Math.floor(i / 32)) - 1) * d);
    if (i < 240) return f((trit(b.u8(32 + ((i - 160) % 16)), Math.floor((i - 160) / 16)) - 1) * d);
    return f((trit(b.u8(48 + ((i - 240) % 4)), Math.floor((i - 240) / 4)) - 1) * d);
  },
  TQ2_0: (b, i) => f((crumb(b, 0, i) - 1) * b.f16(64)),
  NVFP4: (b, i) => {
    const sub = Math.floor(i / 16);
    const level = E2M1[nibble(b, 4 + 8 * sub + (i % 8), Math.floor(i / 8) % 2)] ?? NaN;
    return f(f(ue4m3(b.u8(sub)) * 0.5) * (2 * level));
  },
  Q1_0: (b, i) => (bit(b.u8(2 + Math.floor(i / 8)), i % 8) === 1 ? b.f16(0) : -b.f16(0)),
  Q2_0: (b, i) => f(((Math.floor(b.u8(2 + Math.floor(i / 4)) / 4 ** (i % 4)) % 4) - 1) * b.f16(0)),
};
