import { fail } from '../base/errors';
import { BROKEN_REMEDY, malformed } from './cursor';
import type { TensorEntry } from './read-tensor-info';

/**
 * Checks where the tensors' data lie: aligned, inside the file, no two over each other.
 * @throws TracerError `gguf-malformed` (offset not aligned, overlap), `gguf-truncated` (the file ends before the data); names the tensor.
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
