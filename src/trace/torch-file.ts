import { ARRAY_TYPES, type ArrayType, type StoredArray } from './array-types';
import { formatError } from './format-error';
import { isKind, readPickle, type PickleTensor, type PickleValue } from './pickle';
import type { FileTree } from './zip';

/** Element types by the names of torch's storages. */
const STORAGES: Readonly<Record<string, ArrayType>> = {
  FloatStorage: 'f4',
  DoubleStorage: 'f8',
  HalfStorage: 'f2',
  BFloat16Storage: 'V2',
  LongStorage: 'i8',
  IntStorage: 'i4',
  ShortStorage: 'i2',
  CharStorage: 'i1',
  ByteStorage: 'u1',
};

const PROGRAM = /(?:^|\/)data\.pkl$/;
/** Dictionaries in lists in dictionaries: no dump goes deeper. */
const MOST_LEVELS = 8;
/** Values that are looked at: a list may hold itself many times over. */
const MOST_VISITS = 1_000_000;
/** Tensors may share a storage, as views do; together they are no more than so many times what the archive holds. */
const MOST_SHARING = 4;

/** Whether an archive is what `torch.save` writes. */
export function isTorchFile(files: FileTree): boolean {
  return [...files.keys()].some((path) => PROGRAM.test(path));
}

/**
 * The tensors of a file that `torch.save` wrote (PyTorch 1.6 and later), by name: `a.b` for dictionaries inside dictionaries, `a#0` for the members of a list or
 * tuple, as a module's hook sees several outputs. Nothing of the file is executed. Numbers and texts beside them are left out.
 * @throws TracerError `trace-format` naming the place
 */
export function readTorchFile(files: FileTree, place: string): ReadonlyMap<string, StoredArray> {
  const program = [...files.keys()].find((path) => PROGRAM.test(path));
  if (program === undefined) throw formatError(place, 'data.pkl', 'none');
  const root = program.slice(0, -'data.pkl'.length);
  const order = files.get(`${root}byteorder`);
  const bigEndian = order !== undefined && new TextDecoder().decode(order).trim() === 'big';
  const arrays = new Map<string, StoredArray>();
  const storages = new Map<string, Uint8Array>();
  let held = 0;
  const bytesOf = (key: string): Uint8Array => {
    const path = `${root}data/${key}`;
    const known = storages.get(key);
    if (known !== undefined) return known;
    const bytes = files.get(path);
    if (bytes === undefined) throw formatError(place, path, 'no such file in the archive');
    storages.set(key, bytes);
    held += bytes.length;
    return bytes;
  };
  let visits = 0;
  let taken = 0;
  const walk = (name: string, value: PickleValue, level: number): void => {
    if (++visits > MOST_VISITS) throw formatError(place, `at most ${MOST_VISITS} values`, 'more');
    if (level > MOST_LEVELS) throw formatError(`${place}: ${name}`, `at most ${MOST_LEVELS} levels`, 'more');
    if (isKind(value, 'tensor')) {
      const bytes = bytesOf(value.storage.key);
      const array = storedTensor(value, bytes, bigEndian, `${place}: ${name}`);
      taken += array.bytes.length;
      if (taken > MOST_SHARING * held) {
        throw formatError(
          `${place}: ${name}`,
          `tensors of at most ${MOST_SHARING} times as many bytes as the archive holds`,
          'more',
        );
      }
      arrays.set(name === '' ? 'tensor' : name, array);
    } else if (isKind(value, 'dict')) {
      for (const [key, item] of value.entries) {
        if (typeof key === 'string' || typeof key === 'number')
          walk(name === '' ? String(key) : `${name}.${key}`, item, level + 1);
      }
    } else if (isKind(value, 'list') || isKind(value, 'tuple')) {
      const tensors = value.items.filter((item) => item !== null);
      for (const [i, item] of tensors.entries()) walk(tensors.length === 1 ? name : `${name}#${i}`, item, level + 1);
    }
  };
  walk('', readPickle(files.get(program) ?? new Uint8Array(0), `${place}: ${program}`), 0);
  return arrays;
}

function storedTensor(
  { storage, offset, shape, strides }: PickleTensor,
  bytes: Uint8Array,
  bigEndian: boolean,
  place: string,
): StoredArray {
  const type = STORAGES[storage.type];
  if (type === undefined)
    throw formatError(
      `${place}, type`,
      Object.keys(STORAGES).join(', '),
      storage.type,
      'Save it as float32 (expert ids as int32).',
    );
  const width = ARRAY_TYPES[type].bytes;
  const count = shape.reduce((a, b) => a * b, 1);
  const rowMajor = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const columnMajor = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1));
  const follows = (order: readonly number[]): boolean =>
    shape.every((length, axis) => length <= 1 || strides[axis] === order[axis]);
  const isRowMajor = follows(rowMajor);
  if (!isRowMajor && !follows(columnMajor)) {
    throw formatError(
      `${place}, strides`,
      `a tensor that lies in one piece, [${rowMajor.join(', ')}]`,
      `[${strides.join(', ')}]`,
      'Save tensor.contiguous().',
    );
  }
  const end = (offset + count) * width;
  if (end > bytes.length || shape.some((length) => length > bytes.length)) {
    throw formatError(place, `${end} bytes in the storage`, `${bytes.length}`);
  }
  return { type, shape, count, bytes: bytes.subarray(offset * width, end), bigEndian, columnMajor: !isRowMajor };
}
