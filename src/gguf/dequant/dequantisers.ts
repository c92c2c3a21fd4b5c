import { ggmlType, type QuantType } from '../ggml-types';
import { dequantiseIQ4_NL, dequantiseIQ4_XS, dequantiseMXFP4 } from './codebook';
import type { Dequantise } from './dequantise';
import { dequantiseBF16, dequantiseF16, dequantiseF32 } from './floats';
import { dequantiseQ2_K, dequantiseQ3_K, dequantiseQ4_K, dequantiseQ5_K, dequantiseQ6_K } from './k-quants';
import { dequantiseQ4_0, dequantiseQ4_1, dequantiseQ5_0, dequantiseQ5_1, dequantiseQ8_0 } from './legacy';

/** How each type becomes f32, bit for bit as ggml's `dequantize_row_*`. A type without an entry does not compile. */
export const DEQUANTISERS: Readonly<Record<QuantType, Dequantise>> = {
  F32: dequantiseF32,
  F16: dequantiseF16,
  BF16: dequantiseBF16,
  Q8_0: dequantiseQ8_0,
  Q4_0: dequantiseQ4_0,
  Q4_1: dequantiseQ4_1,
  Q5_0: dequantiseQ5_0,
  Q5_1: dequantiseQ5_1,
  Q2_K: dequantiseQ2_K,
  Q3_K: dequantiseQ3_K,
  Q4_K: dequantiseQ4_K,
  Q5_K: dequantiseQ5_K,
  Q6_K: dequantiseQ6_K,
  IQ4_NL: dequantiseIQ4_NL,
  IQ4_XS: dequantiseIQ4_XS,
  MXFP4: dequantiseMXFP4,
};

/**
 * Dequantises `nElements` (whole blocks) from `bytes[byteOffset...]` into `out[outOffset...]`.
 * @throws RangeError when the count is no multiple of the block size, or either array is too short: the caller's mistake.
 */
export function dequantizeRows(
  type: QuantType,
  bytes: Uint8Array,
  byteOffset: number,
  out: Float32Array,
  outOffset: number,
  nElements: number,
): void {
  const { blockSize, typeSize } = ggmlType(type);
  const nBytes = (nElements / blockSize) * typeSize;
  if (nElements % blockSize !== 0) throw new RangeError(`${nElements} elements are no whole number of ${type} blocks`);
  if (byteOffset < 0 || byteOffset + nBytes > bytes.length) {
    throw new RangeError(`${type}: ${nBytes} bytes at ${byteOffset} leave an array of ${bytes.length}`);
  }
  if (outOffset < 0 || outOffset + nElements > out.length) {
    throw new RangeError(`${type}: ${nElements} elements at ${outOffset} leave an array of ${out.length}`);
  }
  DEQUANTISERS[type](bytes, byteOffset, out, outOffset, nElements);
}
