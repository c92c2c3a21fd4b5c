import { describe, expect, it } from 'vitest';
import { paramsBytes, writeParams } from '../../src/ops/kernel-params';

const SPEC = { count: 'u32', eps: 'f32', shift: 'i32' } as const;

describe('params', () => {
  it('lie in order, 4 bytes each, little-endian', () => {
    const view = new DataView(new ArrayBuffer(16));
    writeParams(SPEC, { count: 0xfffffffe, eps: 0.5, shift: -2 }, view);
    expect([view.getUint32(0, true), view.getFloat32(4, true), view.getInt32(8, true)]).toEqual([0xfffffffe, 0.5, -2]);
  });

  it('take whole slots of 16 bytes, one at least', () => {
    expect([{}, SPEC, { ...SPEC, a: 'u32', b: 'u32' } as const].map(paramsBytes)).toEqual([16, 16, 32]);
  });

  it.each([
    [{ count: -1, eps: 0, shift: 0 }, 'count'],
    [{ count: 1.5, eps: 0, shift: 0 }, 'count'],
    [{ count: 2 ** 32, eps: 0, shift: 0 }, 'count'],
    [{ count: NaN, eps: 0, shift: 0 }, 'count'],
    [{ count: 0, eps: 0, shift: 2 ** 31 }, 'shift'],
    [{ count: 0, shift: 0 }, 'eps'],
  ])('refuse what does not fit: %o', (values: Record<string, number>, field) => {
    expect(() => {
      writeParams(SPEC, values, new DataView(new ArrayBuffer(16)));
    }).toThrow(field);
  });
});
