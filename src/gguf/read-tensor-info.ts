import { aboveLimit, malformed, readU32, readU64, type Cursor } from './cursor';
import { foreignType } from './foreign-types';
import { ggmlTypeById } from './ggml-types';
import { GGUF_LIMITS } from './limits';
import { readString } from './read-strings';

/** A tensor's entry in the header, before it is placed in a model. */
export interface TensorEntry {
  readonly name: string;
  readonly dims: readonly number[];
  /** ggml's name of its type, or what another project calls it. */
  readonly type: string;
  readonly elements: number;
  /** Undefined where the type is another project's, whose block sizes are not known here. */
  readonly bytes: number | undefined;
  /** From the beginning of the data section. */
  readonly relativeOffset: number;
}

/** Bytes that no entry is shorter than: name length, number of dimensions, type, offset. */
export const MIN_TENSOR_INFO_BYTES = 8 + 4 + 4 + 8;

/**
 * One tensor entry: name, u32 number of dimensions, u64 dimensions (fastest first), u32 type, u64 offset.
 * Where its data lies is checked later, when the alignment is known. A type of another project, or one that is no more, is an error only where
 * the tensor is needed: such a file can still be looked at, and a tensor that nobody reads may have any type.
 * @throws TracerError `gguf-malformed`, `gguf-limit`, `gguf-truncated`; each names the tensor.
 */
export function readTensorInfo(cursor: Cursor, index: number): TensorEntry {
  const name = readString(cursor, `the name of tensor ${index}`, 'tensorNameBytes');
  if (name === '') throw malformed(cursor, `tensor ${index} has an empty name.`, { index });
  const what = `tensor ${name}`;
  const nDims = readU32(cursor, `the number of dimensions of ${what}`);
  if (nDims === 0) throw malformed(cursor, `${what} has no dimensions.`, { tensor: name });
  if (nDims > GGUF_LIMITS.dims) throw aboveLimit(cursor, `the number of dimensions of ${what}`, 'dims', nDims);

  const dims: number[] = [];
  let elements = 1;
  for (let d = 0; d < nDims; d++) {
    const dim = readU64(cursor, `dimension ${d} of ${what}`);
    if (dim === 0) throw malformed(cursor, `dimension ${d} of ${what} is 0.`, { tensor: name, dimension: d });
    dims.push(dim);
    elements *= dim;
  }
  // A product of whole numbers that stays below 2^53 was exact at every step.
  if (elements > GGUF_LIMITS.elements)
    throw aboveLimit(cursor, `the number of elements of ${what}`, 'elements', elements);

  const typeId = readU32(cursor, `the type of ${what}`);
  const type = ggmlTypeById(typeId);
  if (type === undefined) {
    const foreign = foreignType(typeId);
    if (foreign === undefined) {
      throw malformed(cursor, `${what} has the unknown type number ${typeId}.`, { tensor: name, type: typeId });
    }
    const relativeOffset = readU64(cursor, `the offset of ${what}`);
    return { name, dims, type: foreign.name, elements, bytes: undefined, relativeOffset };
  }
  const rowLength = dims[0] ?? 0;
  if (rowLength % type.blockSize !== 0) {
    throw malformed(
      cursor,
      `${what} has rows of ${rowLength} elements; ${type.name} needs a multiple of ${type.blockSize}.`,
      { tensor: name, type: type.name, expected: `a multiple of ${type.blockSize}`, actual: rowLength },
    );
  }
  const bytes = (elements / type.blockSize) * type.typeSize;
  if (bytes > GGUF_LIMITS.elements) throw aboveLimit(cursor, `the number of bytes of ${what}`, 'elements', bytes);
  const relativeOffset = readU64(cursor, `the offset of ${what}`);
  return { name, dims, type: type.name, elements, bytes, relativeOffset };
}
