import { describe, expect, it } from 'vitest';
import { f32Bits } from '../../src/base/float';
import { seededRandom, type Random } from '../../src/base/random';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../src/gguf/ggml-types';
import { putFloat } from '../../src/types/lib/float-field';
import { typeOf } from '../../src/types/types';
import { textbookValue } from '../support/gguf-textbook';
import { EXTREME_F16, f16Fields } from '../support/quant-fields';

function randomBytes(length: number, random: Random): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** NaN is NaN; every other value by its bits, so that -0 and +0 differ. */
function sameBits(a: number, b: number): boolean {
  return Number.isNaN(a) ? Number.isNaN(b) : f32Bits(a) === f32Bits(b);
}

function firstDifference(type: QuantType, bytes: Uint8Array): string | undefined {
  const { blockSize, typeSize } = ggmlType(type);
  const n = (bytes.length / typeSize) * blockSize;
  const out = new Float32Array(n);
  dequantizeRows(type, bytes, 0, out, 0, n);
  for (let i = 0; i < n; i++) {
    const start = Math.floor(i / blockSize) * typeSize;
    const expected = textbookValue(type, bytes, start, i % blockSize);
    const actual = out[i] ?? NaN;
    if (!sameBits(actual, expected)) {
      return `element ${i}: ${actual}, expected ${expected}; block ${Buffer.from(bytes.subarray(start, start + typeSize)).toString('hex')}`;
    }
  }
  return undefined;
}

/** Bits that no value depends on, all but always: the top bits of NVFP4's scales only tell 0x7f from 0xff. */
const IGNORED_BITS: Partial<Record<QuantType, readonly number[]>> = { NVFP4: [7, 15, 23, 31] };

describe.each(QUANT_TYPES)('%s', (type) => {
  const { blockSize, typeSize } = ggmlType(type);

  it('equals the textbook on random bytes', () => {
    const blocks = Math.max(40, Math.ceil(8192 / blockSize));
    expect(firstDifference(type, randomBytes(blocks * typeSize, seededRandom(11)))).toBeUndefined();
  });

  it('equals the textbook with extreme scales', () => {
    const random = seededRandom(12);
    const [first, second] = f16Fields(type);
    if (first === undefined) {
      // No f16: every first byte, which is a scale of MXFP4 and NVFP4; the float types have none.
      for (let byte = 0; byte < 256; byte++) {
        const block = randomBytes(typeSize, random);
        block[0] = byte;
        expect(firstDifference(type, block)).toBeUndefined();
      }
      return;
    }
    for (const a of EXTREME_F16) {
      for (const b of EXTREME_F16) {
        const block = randomBytes(typeSize, random);
        putFloat(block, 0, first, a);
        if (second !== undefined) putFloat(block, 0, second, b);
        expect(firstDifference(type, block)).toBeUndefined();
      }
    }
  });

  it('uses every bit of the block', () => {
    const ignored = IGNORED_BITS[type] ?? [];
    const unused = new Set(Array.from({ length: typeSize * 8 }, (_, bit) => bit));
    for (const bit of ignored) unused.delete(bit);
    const random = seededRandom(13);
    const plain = new Float32Array(blockSize);
    const flipped = new Float32Array(blockSize);
    for (let attempt = 0; attempt < 200 && unused.size > 0; attempt++) {
      const block = randomBytes(typeSize, random);
      typeOf(type).dequantise(block, 0, plain, 0, blockSize);
      for (const bit of unused) {
        const byte = bit >> 3;
        block[byte] = (block[byte] ?? 0) ^ (1 << (bit & 7));
        typeOf(type).dequantise(block, 0, flipped, 0, blockSize);
        block[byte] = (block[byte] ?? 0) ^ (1 << (bit & 7));
        if (flipped.some((value, i) => !sameBits(value, plain[i] ?? NaN))) unused.delete(bit);
      }
    }
    expect([...unused]).toEqual([]);
  });

  it('reads and writes only its own range', () => {
    const random = seededRandom(14);
    const n = 3 * blockSize;
    const bytes = randomBytes(5 * typeSize + 1, random);
    const at = typeSize + 1;
    const out = new Float32Array(n + 7).fill(-12345);
    dequantizeRows(type, bytes, at, out, 3, n);
    const alone = new Float32Array(n);
    dequantizeRows(type, bytes.slice(at, at + 3 * typeSize), 0, alone, 0, n);
    expect(new Uint32Array(out.buffer, 12, n)).toEqual(new Uint32Array(alone.buffer));
    expect([...out.subarray(0, 3), ...out.subarray(n + 3)]).toEqual(Array.from({ length: 7 }, () => -12345));
  });
});

describe('unquantised types keep bits', () => {
  it('F32 keeps NaN payloads and -0', () => {
    const bits = Uint32Array.of(0x7f800001, 0xffc12345, 0x80000000, 0x00000001, 0x7f800000);
    const out = new Float32Array(bits.length);
    dequantizeRows('F32', new Uint8Array(bits.buffer), 0, out, 0, bits.length);
    expect(new Uint32Array(out.buffer)).toEqual(bits);
  });

  it('BF16 keeps NaN payloads', () => {
    const out = new Float32Array(2);
    dequantizeRows('BF16', Uint8Array.of(0x81, 0x7f, 0xc5, 0xff), 0, out, 0, 2);
    expect(new Uint32Array(out.buffer)).toEqual(Uint32Array.of(0x7f810000, 0xffc50000));
  });

  it('F16 keeps sign and payload of NaN and makes it quiet, as the hardware does', () => {
    const out = new Float32Array(2);
    dequantizeRows('F16', Uint8Array.of(0x01, 0x7c, 0x03, 0xfe), 0, out, 0, 2);
    expect(new Uint32Array(out.buffer)).toEqual(Uint32Array.of(0x7fc02000, 0xffc06000));
  });
});

describe('dequantizeRows', () => {
  it('refuses half blocks and ranges outside the arrays', () => {
    const bytes = new Uint8Array(36);
    const out = new Float32Array(64);
    expect(() => {
      dequantizeRows('Q4_0', bytes, 0, out, 0, 48);
    }).toThrow(RangeError);
    expect(() => {
      dequantizeRows('Q4_0', bytes, 1, out, 0, 64);
    }).toThrow(RangeError);
    expect(() => {
      dequantizeRows('Q4_0', bytes, 0, out, 1, 64);
    }).toThrow(RangeError);
    expect(() => {
      dequantizeRows('Q4_0', bytes, -18, out, 0, 32);
    }).toThrow(RangeError);
  });
});
