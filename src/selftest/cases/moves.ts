import { seededRandom } from '../../base/random';
import { REPACK_PLANE, repackCalls } from '../../gpu/matmul/encode-repack';
import { KERNEL_TABLE } from '../../gpu/kernel-table';
import { repackRows } from '../../gpu/matmul/repack';
import { gpuRowWords } from '../../ops/weight-layout';
import { typeOf, QUANT_TYPES, type QuantType } from '../../types/types';
import { expectNothing, expectWords, putFloats, putWord } from '../expected';
import { laneWork, plainCase } from '../one-kernel';
import { randomWeights } from '../random-weights';
import type { SelftestCase } from '../selftest-case';

const COPY_ROWS = plainCase(
  KERNEL_TABLE.copyRows,
  '7 rows of 13 out of 31, any bits, from an offset',
  () => {
    const random = seededRandom(3);
    const [rows, rowLength, xStride, xOffset, yOffset] = [7, 13, 31, 17, 26];
    const x = Uint32Array.from({ length: rows * xStride }, () => random.uint32());
    // A signalling NaN, and a subnormal: bits are kept.
    x[xOffset] = 0x7f800001;
    x[xOffset + 1] = 1;
    const count = rows * rowLength;
    const copied = Array.from({ length: count }, (_, i) => {
      const row = Math.floor(i / rowLength);
      return x[row * xStride + xOffset + (i % rowLength)] ?? 0;
    });
    const expected = expectNothing(yOffset + count);
    const exact = expectWords(copied);
    putFloats(expected, yOffset, exact.values, exact.bounds);
    return laneWork({ x }, 'y', expected, { count, rowLength, xStride, xOffset, yOffset }, count);
  },
  'u32',
);

const N_ROWS = 5;

/** The planes that the GPU makes of a file's blocks must be those that the CPU makes, word for word. */
function repackLengths(type: QuantType): readonly number[] {
  const { blockSize } = typeOf(type);
  return blockSize === 1 ? [1, 37, 64, 77] : [blockSize, 3 * blockSize, 8 * blockSize];
}

function repackCase(type: QuantType, nIn: number): SelftestCase {
  // Where rows of a float type end inside a word the file's rows are not on 4 bytes, and so are those of most quantised types.
  return {
    ...{ kernel: 'repack_plane', types: [type], spec: REPACK_PLANE, variant: REPACK_PLANE.variants[0] },
    shape: `${N_ROWS} rows of ${nIn}, from word 8 on`,
    make: () => {
      const bytes = randomWeights(type, N_ROWS, nIn, 'normal', 5);
      const to = 8;
      const packed = repackRows(type, bytes, N_ROWS, nIn);
      const expected = expectNothing(to + packed.length);
      packed.forEach((word, i) => {
        putWord(expected, to + i, word);
      });
      return {
        inputs: { source: bytes },
        outputs: { packed: to + N_ROWS * gpuRowWords(type, nIn) },
        calls: repackCalls({ type, nIn, nRows: N_ROWS, to }),
        expected: { packed: expected },
      };
    },
  };
}

/** Kernels of the engine that move bits and change none. */
export const MOVE_CASES: readonly SelftestCase[] = [
  COPY_ROWS,
  ...QUANT_TYPES.flatMap((type) => repackLengths(type).map((nIn) => repackCase(type, nIn))),
];
