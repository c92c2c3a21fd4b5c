import { typeOf, type QuantType } from '../../types/types';

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
  const { blockSize, typeSize, dequantise } = typeOf(type);
  const nBytes = (nElements / blockSize) * typeSize;
  if (nElements % blockSize !== 0) throw new RangeError(`${nElements} elements are no whole number of ${type} blocks`);
  if (byteOffset < 0 || byteOffset + nBytes > bytes.length) {
    throw new RangeError(`${type}: ${nBytes} bytes at ${byteOffset} leave an array of ${bytes.length}`);
  }
  if (outOffset < 0 || outOffset + nElements > out.length) {
    throw new RangeError(`${type}: ${nElements} elements at ${outOffset} leave an array of ${out.length}`);
  }
  dequantise(bytes, byteOffset, out, outOffset, nElements);
}
