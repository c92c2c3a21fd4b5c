import { fail } from '../base/errors';
import { tensorBytes, type GgufToWrite, type TensorToWrite, type TypedValue } from '../gguf/writer';

/**
 * Cuts a model into `count` parts of about equal bytes, as gguf-split does: all metadata in the first, `split.*` in each, tensors in order.
 * @throws TracerError `usage` when there are fewer tensors than parts
 */
export function splitModel(file: GgufToWrite, count: number): readonly GgufToWrite[] {
  const { tensors } = file;
  if (count > tensors.length) {
    throw fail(
      'usage',
      `A model of ${tensors.length} tensors cannot be split into ${count} parts.`,
      'Ask for fewer parts, or for more layers.',
      { expected: tensors.length, actual: count },
    );
  }
  return cutEvenly(tensors, count).map((own, part) => {
    const split: readonly (readonly [string, TypedValue])[] = [
      ['split.no', { type: 'uint16', value: part }],
      ['split.count', { type: 'uint16', value: count }],
      ['split.tensors.count', { type: 'int32', value: tensors.length }],
    ];
    return { ...file, metadata: part === 0 ? [...file.metadata, ...split] : split, tensors: own };
  });
}

/** Runs of tensors: each takes them until the bytes of its share are reached, and leaves one at least for each part after it. */
function cutEvenly(tensors: readonly TensorToWrite[], count: number): readonly (readonly TensorToWrite[])[] {
  const total = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  const parts: TensorToWrite[][] = [];
  let next = 0;
  let taken = 0;
  for (let part = 0; part < count; part++) {
    const own: TensorToWrite[] = [];
    const end = tensors.length - (count - part - 1);
    for (; next < end; next++) {
      const tensor = tensors[next];
      if (tensor === undefined || (own.length > 0 && taken >= (total * (part + 1)) / count)) break;
      own.push(tensor);
      taken += tensorBytes(tensor);
    }
    parts.push(own);
  }
  return parts;
}
