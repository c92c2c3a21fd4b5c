import type { Random } from '../base/random';
import { typeOf, type QuantType } from '../types/types';

/**
 * Random valid blocks of any type, for shapes and types that no real file offers: every quant bit and every scale is random, and the scales
 * are set so that the dequantised values have about the wanted root mean square and a mean near zero.
 * @returns the bytes of `nElements` elements (whole blocks)
 */
export function randomBlocks(type: QuantType, nElements: number, rms: number, random: Random): Uint8Array<ArrayBuffer> {
  const { blockSize, typeSize, fill } = typeOf(type);
  if (nElements % blockSize !== 0) throw new RangeError(`${nElements} elements are no whole number of ${type} blocks`);
  const bytes = new Uint8Array((nElements / blockSize) * typeSize);
  for (let at = 0; at < bytes.length; at += typeSize) fill(bytes, at, rms, random);
  return bytes;
}
