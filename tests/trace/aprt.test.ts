import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAprt, encodeAprt, isAprt } from '../../src/trace/aprt';
import { bitsOf, damaged, floatBits, formatErrorOf, toleratesHostile } from './arbitrary';

describe('APRT', () => {
  it('is the documented bytes', () => {
    const data = new Float32Array(Uint32Array.of(0x3f800000, 0x7fc00abc).buffer);
    expect([...encodeAprt(7, data)]).toEqual([
      ...[0x41, 0x50, 0x52, 0x54],
      ...[7, 0, 0, 0],
      ...[2, 0, 0, 0],
      ...[0, 0, 0x80, 0x3f],
      ...[0xbc, 0x0a, 0xc0, 0x7f],
    ]);
    expect([...encodeAprt(undefined, new Float32Array()).subarray(4, 12)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0]);
  });

  it('stores expert ids as f32 numbers', () => {
    const tensor = decodeAprt(encodeAprt(0, Uint32Array.of(0, 127, 2 ** 24)), 'x');
    expect([...tensor.data]).toEqual([0, 127, 2 ** 24]);
    expect(formatErrorOf(() => encodeAprt(0, Uint32Array.of(2 ** 24 + 1))).message).toContain('16777216');
  });

  it('keeps every bit and the layer', () => {
    const layers = fc.option(fc.nat(0xfffffffe), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(40).chain(floatBits), layers, (data, layer) => {
        const tensor = decodeAprt(encodeAprt(layer, data), 'x');
        expect(tensor.layer).toBe(layer);
        expect(bitsOf(tensor.data)).toEqual(bitsOf(data));
      }),
      { seed: 1 },
    );
  });

  it('reads from bytes at an odd offset', () => {
    const bytes = encodeAprt(1, Float32Array.of(1, 2));
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect([...decodeAprt(shifted.subarray(1), 'x').data]).toEqual([1, 2]);
  });

  it.each([
    ['nothing', new Uint8Array(), '12 bytes', '0 bytes'],
    ['a cut header', encodeAprt(1, Float32Array.of(1)).subarray(0, 11), '12 bytes', '11 bytes'],
    ['another magic', new Uint8Array(12), 'APRT', '00 00 00 00'],
    ['a cut payload', encodeAprt(1, Float32Array.of(1, 2)).subarray(0, 19), '8 bytes', '7'],
    ['bytes after the payload', Uint8Array.of(...encodeAprt(1, Float32Array.of(1)), 0), '4 bytes', '5'],
  ])('refuses %s with place, expected and actual', (_, bytes, expected, actual) => {
    const error = formatErrorOf(() => decodeAprt(bytes, 'gpu/layer-1/attn_norm.bin'));
    expect(error.detail['place']).toContain('gpu/layer-1/attn_norm.bin');
    expect(error.detail['expected']).toContain(expected);
    expect(error.detail['actual']).toContain(actual);
  });

  it('a claim of 2^32-1 elements allocates nothing', () => {
    const bytes = encodeAprt(1, Float32Array.of(1));
    bytes.fill(255, 8, 12);
    expect(formatErrorOf(() => decodeAprt(bytes, 'x')).detail['expected']).toContain(String(4 * 0xffffffff));
  });

  it('survives damage', () => {
    const bytes = encodeAprt(3, Float32Array.of(1, 2, 3));
    fc.assert(
      fc.property(damaged(bytes), (hostile) => {
        toleratesHostile(() => decodeAprt(hostile, 'x'));
      }),
      { seed: 2, numRuns: 500 },
    );
  });

  it('knows its own beginning', () => {
    expect(isAprt(encodeAprt(1, new Float32Array()))).toBe(true);
    expect(isAprt(Uint8Array.of(0x41, 0x50, 0x52))).toBe(false);
  });
});
