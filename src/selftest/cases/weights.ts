import { rowsBound } from '../../ops/rows/bound';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../gguf/ggml-types';
import { dequantCall } from '../../gpu/matmul/encode-matmul';
import { REPACK_PLANE, repackCalls } from '../../gpu/matmul/encode-repack';
import { repackRows } from '../../gpu/matmul/repack';
import { DEQUANT_ROWS, typeVariant } from '../../gpu/matmul/variants';
import { gpuRowWords } from '../../gpu/matmul/weight-layout';
import { expectFloats, expectNothing, putWord } from '../expected';
import { wide } from '../inputs';
import { randomWeights, type WeightKind } from '../random-weights';
import type { SelftestCase } from '../selftest-case';
import { weightRows } from '../weight-rows';

const N_ROWS = 5;
/** One twice, one left out. */
const ROWS: readonly number[] = [4, 0, 2, 2];

/** Several blocks; for floats no multiple of anything. */
function oddLength(type: QuantType): number {
  const { blockSize } = ggmlType(type);
  return blockSize === 1 ? 77 : 3 * blockSize;
}

function dequantCase(type: QuantType, kind: WeightKind): SelftestCase {
  return {
    ...{ kernel: 'rows', types: [type], spec: DEQUANT_ROWS, variant: typeVariant(type) },
    shape: `rows ${ROWS.join(', ')} of ${oddLength(type)}, ${kind}`,
    make: () => {
      const nIn = oddLength(type);
      const { bytes, values } = weightRows(type, N_ROWS, nIn, kind, 3);
      const y = wide(ROWS.flatMap((row) => [...values.subarray(row * nIn, (row + 1) * nIn)]));
      return {
        inputs: { rows: Uint32Array.from(ROWS), weights: repackRows(type, bytes, N_ROWS, nIn) },
        outputs: { y: y.length },
        calls: [dequantCall(type, nIn, ROWS.length)],
        expected: { y: expectFloats(y, rowsBound(y)) },
      };
    },
  };
}

/** The planes that the GPU makes of a file's blocks must be those that the CPU makes, word for word. */
function repackCase(type: QuantType): SelftestCase {
  const nIn = oddLength(type);
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

/** How each format is read: weights as the kernels find them, and the planes that they are read from. */
export const WEIGHT_CASES: readonly SelftestCase[] = QUANT_TYPES.flatMap((type) => [
  dequantCase(type, 'normal'),
  dequantCase(type, 'extreme'),
  repackCase(type),
]);
