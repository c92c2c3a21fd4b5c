import { describe, expect, it } from 'vitest';
import { ResultSlab } from '../../../src/gpu/decode/result-slab';

const range = (...words: readonly number[]): ArrayBuffer => Uint32Array.from(words).buffer;

describe('ResultSlab', () => {
  it('gives copies that no later one touches, several in one allocation', () => {
    const slab = new ResultSlab();
    const source = range(1, 2, 3);
    const copies = Array.from({ length: 40 }, (_, i) => {
      new Uint32Array(source).fill(i);
      return slab.copyOf(source);
    });
    expect(copies.map((copy) => [...copy])).toEqual(copies.map((_, i) => [i, i, i]));
    expect(new Set(copies.map(({ buffer }) => buffer)).size).toBe(3);
  });

  it('takes words of any number, one after the other', () => {
    const slab = new ResultSlab();
    const lengths = [1, 5, 100, 2, 0, 7];
    const copies = lengths.map((n) => slab.copyOf(range(...Array.from({ length: n }, () => n))));
    expect(copies.map((copy) => [...copy])).toEqual(lengths.map((n) => Array.from({ length: n }, () => n)));
  });

  it('does not keep more than it must beside a large one', () => {
    const slab = new ResultSlab();
    const bytes = 3 * 1024 * 1024;
    expect(slab.copyOf(new ArrayBuffer(bytes)).buffer.byteLength).toBe(8 * 1024 * 1024);
    const large = slab.copyOf(new ArrayBuffer(4 * bytes));
    expect(large.buffer.byteLength).toBe(4 * bytes);
  });
});
