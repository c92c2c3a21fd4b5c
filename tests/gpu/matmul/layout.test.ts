import { describe, expect, it } from 'vitest';
import { ggmlType, QUANT_TYPES, rowBytes } from '../../../src/gguf/ggml-types';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { gpuRowWords, planeOffsets, weightLayout } from '../../../src/ops/weight-layout';
import { workList } from '../../../src/gpu/matmul/work-list';

/** Bytes 1, 2, 3 ... never 0, so that padding shows. */
const counting = (n: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length: n }, (_, i) => 1 + (i % 255));

describe.each(QUANT_TYPES)('%s', (type) => {
  const { blockSize, typeSize } = ggmlType(type);
  const blocks = blockSize === 1 ? 37 : 3;
  const nIn = blocks * blockSize;

  it('puts every byte of every block in exactly one place, and zeros elsewhere', () => {
    const nRows = 4;
    const bytes = counting(nRows * rowBytes(type, nIn));
    const target = new Uint8Array(repackRows(type, bytes, nRows, nIn).buffer);
    const { offsets, rowBytes: targetRow } = planeOffsets(type, nIn);
    const expected = new Uint8Array(nRows * targetRow);
    const seen = new Uint8Array(typeSize);
    weightLayout(type).planes.forEach((plane, p) => {
      for (let b = 0; b < plane.bytes; b++) seen[plane.from + b] = (seen[plane.from + b] ?? 0) + 1;
      for (let row = 0; row < nRows; row++) {
        for (let block = 0; block < blocks; block++) {
          for (let b = 0; b < plane.bytes; b++) {
            const source = row * rowBytes(type, nIn) + block * typeSize + plane.from + b;
            expected[row * targetRow + (offsets[p] ?? 0) + block * plane.stride + b] = bytes[source] ?? 0;
          }
        }
      }
    });
    expect([...seen]).toEqual(new Array(typeSize).fill(1));
    expect(target).toEqual(expected);
  });

  it('starts rows and planes on 16 bytes', () => {
    const { offsets } = planeOffsets(type, nIn);
    expect([...offsets, 4 * gpuRowWords(type, nIn)].map((n) => n % 16)).toEqual([...offsets.map(() => 0), 0]);
  });

  it('reads a slice that starts at an odd byte', () => {
    const bytes = counting(2 * rowBytes(type, nIn));
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    expect(repackRows(type, shifted.subarray(1), 2, nIn)).toEqual(repackRows(type, bytes, 2, nIn));
  });
});

describe('repackRows', () => {
  it('does not copy what already lies right', () => {
    const bytes = counting(2 * rowBytes('Q4_K', 512));
    expect(repackRows('Q4_K', bytes, 2, 512).buffer).toBe(bytes.buffer);
  });

  // Each plane of a row ends on 16 bytes: of 150 bytes in two planes that is more than of 432.
  it('costs at most 2 % of memory on the rows of the real model, 9 % below four bits a weight', () => {
    for (const type of QUANT_TYPES) {
      const limit = rowBytes(type, 256) < 128 ? 1.09 : 1.02;
      for (const nIn of [768, 2048, 4096]) {
        expect((4 * gpuRowWords(type, nIn)) / rowBytes(type, nIn), `${type} ${nIn}`).toBeLessThanOrEqual(limit);
      }
    }
  });
});

describe('workList', () => {
  it('cuts shares into entries and leaves empty ones out', () => {
    const shares = [
      { weightWords: 0, rows: [5, 0, 6, 1, 7, 2] },
      { weightWords: 40, rows: [] },
      { weightWords: 80, rows: [8, 3] },
    ];
    const list = workList(shares, 2);
    expect([...list.rows]).toEqual([5, 0, 6, 1, 7, 2, 8, 3]);
    expect([...list.entries]).toEqual([0, 0, 2, 0, 0, 2, 1, 0, 80, 3, 1, 0]);
    expect(list.entryCount).toBe(3);
  });
});
