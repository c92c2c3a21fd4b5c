import { describe, expect, it } from 'vitest';
import { bf16ToNumber, f16Bits, f16ToNumber, f32Bits, f32FromBits } from '../../src/base/float';

describe('f16', () => {
  it('survives the round trip for every bit pattern but NaN payloads', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = f16ToNumber(bits);
      if (Number.isNaN(value)) expect(f16Bits(value)).toBe(0x7e00);
      else expect(f16Bits(value)).toBe(bits);
    }
  });

  it('rounds halfway cases to even and everything else to the nearest', () => {
    for (let bits = 0; bits < 0x7bff; bits++) {
      const low = f16ToNumber(bits);
      const high = f16ToNumber(bits + 1);
      const middle = (low + high) / 2;
      expect(f16Bits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
      expect(f16Bits(f32FromBits(f32Bits(middle) - 1))).toBe(bits);
      expect(f16Bits(f32FromBits(f32Bits(middle) + 1))).toBe(bits + 1);
    }
  });

  it('overflows to infinity where IEEE does', () => {
    expect(f16Bits(65519.99609375)).toBe(0x7bff);
    expect(f16Bits(65520)).toBe(0x7c00);
    expect(f16Bits(-1e30)).toBe(0xfc00);
    expect(f16Bits(Infinity)).toBe(0x7c00);
  });

  it('keeps the sign of zero and of what underflows', () => {
    expect(f16Bits(-0)).toBe(0x8000);
    expect(f16Bits(-(2 ** -26))).toBe(0x8000);
    expect(f16Bits(2 ** -25)).toBe(0);
    expect(f16Bits(2 ** -149)).toBe(0);
  });
});

describe('bf16', () => {
  it('is the upper half of an f32', () => {
    expect(bf16ToNumber(0x3f80)).toBe(1);
    expect(bf16ToNumber(0xc2f7)).toBe(-123.5);
    expect(bf16ToNumber(0x0001)).toBe(2 ** -133);
    expect(bf16ToNumber(0xff80)).toBe(-Infinity);
    expect(bf16ToNumber(0x7fc1)).toBeNaN();
  });
});
