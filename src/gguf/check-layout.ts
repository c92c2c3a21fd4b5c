import { fail } from '../base/errors';
import { BROKEN_REMEDY, malformed } from './cursor';
import type { TensorEntry } from './read-tensor-info';

/** Bytes of 128 weights in the layout of Q2_0 that PrismML's first files have: an f16 and two bits a weight. */
const OLD_Q2_BYTES = 34;

/** An entry whose size is known: that of another project's type is the room up to what follows. */
export interface PlacedTensor extends TensorEntry {
  readonly bytes: number;
}

/** Whether a Q2_0 tensor takes just the bytes that it would take in that layout, padded to the alignment. */
function isOldQ2({ type, elements }: TensorEntry, taken: number, alignment: number): boolean {
  const bytes = (elements / 128) * OLD_Q2_BYTES;
  return type === 'Q2_0' && elements % 128 === 0 && taken === Math.ceil(bytes / alignment) * alignment;
}

/**
 * Checks where the tensors' data lie: aligned, inside the file, no two over each other.
 * @param report told what the file lacks, where a file that ends early is to be looked at all the same
 * @returns the tensors in file order
 * @throws TracerError `gguf-malformed` (offset not aligned, overlap), `gguf-truncated` (the file ends before the data), `gguf-tensor-type` (another
 * layout under a type's number); names the tensor.
 */
export function checkLayout(
  file: { readonly name: string; readonly size: number },
  tensors: readonly TensorEntry[],
  dataStart: number,
  alignment: number,
  report?: (error: Error) => void,
): readonly PlacedTensor[] {
  const ascending = [...tensors].sort((a, b) => a.relativeOffset - b.relativeOffset);
  const placed = new Map<string, PlacedTensor>();
  let before: PlacedTensor | undefined;
  let isCut = false;
  for (const [i, entry] of ascending.entries()) {
    const { name, relativeOffset } = entry;
    const room = (ascending[i + 1]?.relativeOffset ?? Math.max(file.size - dataStart, relativeOffset)) - relativeOffset;
    const bytes = entry.bytes ?? room;
    const tensor = { ...entry, bytes };
    placed.set(name, tensor);
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
    if (end > file.size && !isCut) {
      const cut = fail(
        'gguf-truncated',
        `${file.name} ends before the data of tensor ${name}: it needs ${end} bytes and has ${file.size}.`,
        'The download is incomplete or the file is damaged. Download it again.',
        { file: file.name, tensor: name, expected: end, actual: file.size },
      );
      if (report === undefined) throw cut;
      report(cut);
      isCut = true;
    }
    before = tensor;
  }
  return tensors.flatMap(({ name }) => placed.get(name) ?? []);
}
