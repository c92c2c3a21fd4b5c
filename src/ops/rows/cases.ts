import { rowsBound } from './bound';
import { dequantizeRows } from '../../gguf/dequant/dequantisers';
import { dequantCall } from '../../gpu/matmul/encode-matmul';
import { repackRows } from '../../gpu/matmul/repack';
import { DEQUANT_ROWS, typeVariant } from '../../gpu/matmul/variants';
import { allowFlush, expectFloats } from '../../selftest/expected';
import { wide } from '../../selftest/inputs';
import type { WeightKind } from '../../selftest/random-weights';
import type { SelftestCase } from '../../selftest/selftest-case';
import { oddLength, weightRows } from '../../selftest/weight-rows';
import { QUANT_TYPES, typeOf, type QuantType } from '../../types/types';
import { kernelName } from '../kernel-spec';

const N_ROWS = 5;
/** One twice, one left out. */
const ROWS: readonly number[] = [4, 0, 2, 2];

function rowsCase(type: QuantType, kind: WeightKind): SelftestCase {
  return {
    ...{ kernel: kernelName(DEQUANT_ROWS), types: [type], spec: DEQUANT_ROWS, variant: typeVariant(type) },
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

/** Exponents of an E8M0 scale. */
const EXPONENTS = 256;
/** Below it a scale of MXFP4, 2^(e - 128), is subnormal: an adapter may flush it. */
const FIRST_NORMAL_EXPONENT = 2;

/** A row of as many blocks as there are scales, each with every quant. */
const EVERY_EXPONENT: SelftestCase = {
  ...{ kernel: kernelName(DEQUANT_ROWS), types: ['MXFP4'], spec: DEQUANT_ROWS, variant: typeVariant('MXFP4') },
  shape: 'every exponent of a scale with every quant',
  make: () => {
    const { blockSize, typeSize } = typeOf('MXFP4');
    const nIn = EXPONENTS * blockSize;
    const bytes = new Uint8Array(EXPONENTS * typeSize);
    for (let e = 0; e < EXPONENTS; e++) {
      bytes[e * typeSize] = e;
      for (let i = 1; i < typeSize; i++) bytes[e * typeSize + i] = 17 * ((i - 1) % 16);
    }
    const values = new Float32Array(nIn);
    dequantizeRows('MXFP4', bytes, 0, values, 0, nIn);
    const y = wide(values);
    const expected = expectFloats(y, rowsBound(y));
    for (let i = 0; i < FIRST_NORMAL_EXPONENT * blockSize; i++) allowFlush(expected, i);
    return {
      inputs: { rows: Uint32Array.of(0), weights: repackRows('MXFP4', bytes, 1, nIn) },
      outputs: { y: nIn },
      calls: [dequantCall('MXFP4', nIn, 1)],
      expected: { y: expected },
    };
  },
};

/** How each format is read: weights as the kernels find them. */
export const ROWS_CASES: readonly SelftestCase[] = [
  ...QUANT_TYPES.flatMap((type) => (['normal', 'extreme', 'zero'] as const).map((kind) => rowsCase(type, kind))),
  EVERY_EXPONENT,
];
