import { fail } from '../base/errors';
import { BROKEN_REMEDY, malformed } from './cursor';
import type { TensorEntry } from './read-tensor-info';

/** Bytes of 128 weights in the layout of Q2_0 that PrismML's first files have: an f16 and two bits a weight. */
const OLD_Q2_BYTES = 34;

/** Whether a Q2_0 tensor takes just the bytes that it would take in that layout, padded to the alignment. */
function isOldQ2({ type, elements }: TensorEntry, taken: number, alignment: number): boolean {
  const bytes = (elements / 128) * OLD_Q2_BYTES;
  return type === 'Q2_0' && elements % 128 === 0 && taken === Math.ceil(bytes / alignment) * alignment;
}

/**
 * Checks where the tensors' data lie: aligned, inside the file, no two over each other.
 * @throws TracerError `gguf-malformed` (offset not aligned, overlap), `gguf-truncated` (the file ends before the data), `gguf-tensor-type` (another
 * layout under a type's number); names the tensor.
 */
export function checkLayout(
  file: { readonly name: string; readonly size: number },
  tensors: readonly TensorEntry[],
  dataStart: number,
  alignment: number,
): void {
  const ascending = [...tensors].sort((a, b) => a.relativeOffset - b.relativeOffset);
  let before: TensorEntry | undefined;
  for (const tensor of ascending) {
    const { name, relativeOffset, bytes } = tensor;
    if (relativeOffset % alignment !== 0) {
      throw malformed(
        file,
        `tensor ${name} lies at offset ${relativeOffset}, not a multiple of the alignment ${alignment}.`,
        {
          tensor: name,
          offset: relativeOffset,
          alignment,
        },
      );
    }
    if (before !== undefined && before.relativeOffset + before.bytes > relativeOffset) {
      if (isOldQ2(before, relativeOffset - before.relativeOffset, alignment)) {
        throw fail(
          'gguf-tensor-type',
          `${file.name}: tensor ${before.name} is Q2_0 in blocks of 128 weights, a layout of older files under the same number; ggml's has 64.`,
          'Get the newer file of this model: its name ends in _g64.',
          {
            file: file.name,
            tensor: before.name,
            type: 'Q2_0',
            actual: relativeOffset - before.relativeOffset,
            expected: before.bytes,
          },
        );
      }
      throw fail(
        'gguf-malformed',
        `${file.name}: the data of tensors ${before.name} and ${name} overlap.`,
        BROKEN_REMEDY,
        {
          file: file.name,
          tensor: name,
          other: before.name,
          offset: relativeOffset,
          otherEnd: before.relativeOffset + before.bytes,
        },
      );
    }
    const end = dataStart + relativeOffset + bytes;
    if (end > file.size) {
      throw fail(
        'gguf-truncated',
        `${file.name} ends before the data of tensor ${name}: it needs ${end} bytes and has ${file.size}.`,
        'The download is incomplete or the file is damaged. Download it again.',
        { file: file.name, tensor: name, expected: end, actual: file.size },
      );
    }
    before = tensor;
  }
}
