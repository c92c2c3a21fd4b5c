import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { decodeNpy, encodeNpy, type NpyArray } from '../../src/trace/npy';
import { decodeNpz } from '../../src/trace/npz';
import { writeZip } from '../../src/trace/zip';
import { damaged, floatBits, formatErrorOf, toleratesHostile } from './arbitrary';

/** A `.npy` file with this header text, as NumPy writes it. */
function npyWith(header: string, body: Uint8Array, version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length & 255, text.length >> 8, 0, 0];
  return Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'), version, 0, ...length, ...text, ...body);
}

function bytesOf(array: NpyArray): number[] {
  return [...new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength)];
}

const ONE_TO_THREE = new Uint8Array(Float32Array.of(1, 2, 3).buffer);

const anyArray: fc.Arbitrary<NpyArray> = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }).chain((shape) => {
  const n = shape.reduce((a, b) => a * b, 1);
  const bytes = fc.uint8Array({ minLength: 8 * n, maxLength: 8 * n });
  return fc.oneof(
    floatBits(n).map((data): NpyArray => ({ type: 'f4', shape, data })),
    bytes.map((b): NpyArray => ({ type: 'f8', shape, data: new Float64Array(b.slice().buffer) })),
    bytes.map((b): NpyArray => ({ type: 'i4', shape, data: new Int32Array(b.slice(0, 4 * n).buffer) })),
    bytes.map((b): NpyArray => ({ type: 'u4', shape, data: new Uint32Array(b.slice(0, 4 * n).buffer) })),
    bytes.map((b): NpyArray => ({ type: 'i8', shape, data: new BigInt64Array(b.slice().buffer) })),
  );
});

describe('npy', () => {
  it('keeps type, shape and every bit', () => {
    fc.assert(
      fc.property(anyArray, (array) => {
        const read = decodeNpy(encodeNpy(array), 'x');
        expect([read.type, read.shape]).toEqual([array.type, array.shape]);
        expect(bytesOf(read)).toEqual(bytesOf(array));
      }),
      { seed: 4 },
    );
  });

  it('writes the header that NumPy writes', () => {
    const bytes = encodeNpy({ type: 'f4', shape: [3], data: Float32Array.of(1, 2, 3) });
    expect(bytes.length).toBe(128 + 12);
    expect(new TextDecoder('latin1').decode(bytes.subarray(10, 128)).trimEnd()).toBe(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    );
    expect(bytes[127]).toBe(0x0a);
  });

  it('reads version 2, other key orders and double quotes', () => {
    const header = '{"shape": (1, 3), "fortran_order": False, "descr": "<f4"}';
    const read = decodeNpy(npyWith(header, ONE_TO_THREE, 2), 'x');
    expect(read.shape).toEqual([1, 3]);
    expect([...read.data]).toEqual([1, 2, 3]);
  });

  it.each([
    ["{'descr': '<f4', 'fortran_order': True, 'shape': (3,), }", 'Fortran'],
    ["{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }", '>f4'],
    ["{'descr': '<c8', 'fortran_order': False, 'shape': (3,), }", '<c8'],
    ["{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", 'none'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", '12'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", '12'],
    ["{'descr': '<f4', 'shape': (3,), }", 'descr'],
    ["{'descr': '<f4', 'fortran_order': False, 'shape': (-3,), }", 'descr'],
  ])('refuses %s', (header, actual) => {
    expect(formatErrorOf(() => decodeNpy(npyWith(header, ONE_TO_THREE), 'a.npy')).detail['actual']).toContain(actual);
  });

  it('refuses an empty array with an axis that is longer than the file', () => {
    const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4000000000), }";
    const error = formatErrorOf(() => decodeNpy(npyWith(header, new Uint8Array(0)), 'a.npy'));
    expect(error.detail['expected']).toContain('fit in the file');
  });

  it('survives damage and cuts', () => {
    const bytes = encodeNpy({ type: 'f4', shape: [3], data: Float32Array.of(1, 2, 3) });
    fc.assert(
      fc.property(damaged(bytes), (hostile) => {
        toleratesHostile(() => decodeNpy(hostile, 'x'));
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});

describe('npz', () => {
  const files = new Map([
    ['a.npy', encodeNpy({ type: 'f4', shape: [2], data: Float32Array.of(1, 2) })],
    ['deep/er/b.npy', encodeNpy({ type: 'i4', shape: [], data: Int32Array.of(-5) })],
  ]);

  it('keeps the arrays by name', () => {
    const read = decodeNpz(writeZip(files), 'x');
    expect([...read.keys()]).toEqual(['a', 'deep/er/b']);
    expect([...(read.get('deep/er/b')?.data ?? [])]).toEqual([-5]);
  });

  it('reads compressed archives', () => {
    const packed = zipSync({
      'a.npy': [encodeNpy({ type: 'f4', shape: [900], data: new Float32Array(900) }), { level: 9 }],
    });
    expect(packed.length).toBeLessThan(400);
    expect(decodeNpz(packed, 'x').get('a')?.data.length).toBe(900);
  });
});
