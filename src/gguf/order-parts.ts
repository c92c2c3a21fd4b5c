import { fail } from '../base/errors';
import type { ByteSource } from './byte-source';
import type { GgufHeader } from './reader';
import { partName, splitName } from './split-names';

/** A source with its parsed header. */
export interface Part {
  readonly source: ByteSource;
  readonly header: GgufHeader;
}

const ALL_PARTS_REMEDY =
  'Give all parts of one model together, each once: their paths one after another on the command line, or all of them dropped on the page.';

/**
 * Puts the parts of a split model in order and checks that they are exactly the parts of one model: `split.no` (from 0), `split.count` and
 * `split.tensors.count` as gguf-split writes them. A single file without `split.count` is a model of its own.
 * @throws TracerError `gguf-split`: which part is missing, there twice, or of another model.
 */
export function orderParts(parts: readonly Part[]): readonly Part[] {
  const first = parts[0];
  if (first === undefined) throw fail('gguf-split', 'No file was given.', 'Open a GGUF file.');
  const count = splitCount(first);
  if (parts.length === 1 && count <= 1) return parts;

  const ordered = new Map<number, Part>();
  for (const part of parts) checkSameModel(first, part, count);
  for (const part of parts) {
    const number = partNumber(part, count);
    const other = ordered.get(number);
    if (other !== undefined) {
      throw fail(
        'gguf-split',
        `${part.source.name} and ${other.source.name} are both part ${number + 1} of ${count}.`,
        ALL_PARTS_REMEDY,
        { file: part.source.name, other: other.source.name, part: number + 1 },
      );
    }
    ordered.set(number, part);
  }
  checkNoneMissing(first, ordered, count);
  const complete = [...ordered].sort(([a], [b]) => a - b).map(([, part]) => part);
  checkTensorCount(first, complete);
  return complete;
}

/** `split.count`, or 1 for a file that is no part: gguf-split --merge leaves the key behind as 0. */
export function splitCount({ source, header }: Part): number {
  const value = header.metadata.get('split.count');
  if (value === undefined) return 1;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > MAX_PARTS) {
    throw badKey(source.name, 'split.count', `a whole number from 0 to ${MAX_PARTS}`, value);
  }
  return Math.max(1, value);
}

/** The file name's five digits, and the type that gguf-split writes (u16). */
const MAX_PARTS = 65535;

function partNumber({ source, header }: Part, count: number): number {
  const value = header.metadata.get('split.no');
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value >= count) {
    throw badKey(source.name, 'split.no', `a whole number from 0 to ${count - 1}`, value);
  }
  return value;
}

function badKey(file: string, key: string, expected: string, value: unknown): Error {
  const actual = value === undefined ? 'missing' : typeof value === 'object' ? 'an array' : String(value);
  return fail(
    'gguf-split',
    `${file}: metadata key ${key} is ${actual}; expected ${expected}.`,
    'The file was not written by gguf-split, or is damaged. Download it again, or split the model anew.',
    { file, key, expected, actual },
  );
}

/** What says that two files do not belong together: their counts, their names, and whatever general keys both carry. */
function checkSameModel(first: Part, part: Part, count: number): void {
  if (part === first) return;
  const otherModel = (what: string, expected: string, actual: string): Error =>
    fail(
      'gguf-split',
      `${first.source.name} and ${part.source.name} are not parts of one model: ${what} is ${expected} in one and ${actual} in the other.`,
      ALL_PARTS_REMEDY,
      { file: part.source.name, other: first.source.name, expected, actual },
    );
  const partCount = splitCount(part);
  if (count <= 1 && partCount <= 1) {
    throw fail(
      'gguf-split',
      `${first.source.name} and ${part.source.name} are two models, not parts of one.`,
      'Open one model at a time.',
      { file: part.source.name, other: first.source.name },
    );
  }
  if (partCount !== count) throw otherModel('split.count', String(count), String(partCount));
  const names = [splitName(first.source.name)?.base, splitName(part.source.name)?.base] as const;
  if (names[0] !== undefined && names[1] !== undefined && names[0] !== names[1]) {
    throw otherModel('the file name', names[0], names[1]);
  }
  for (const key of ['split.tensors.count', 'general.architecture', 'general.name']) {
    const values = [first.header.metadata.get(key), part.header.metadata.get(key)] as const;
    if (values[0] !== undefined && values[1] !== undefined && values[0] !== values[1]) {
      throw otherModel(key, String(values[0]), String(values[1]));
    }
  }
}

function checkNoneMissing(first: Part, ordered: ReadonlyMap<number, Part>, count: number): void {
  const missing = count - ordered.size;
  if (missing === 0) return;
  const split = splitName(first.source.name);
  const names: string[] = [];
  for (let n = 0; n < count && names.length < MAX_NAMED; n++) {
    if (!ordered.has(n)) names.push(split === undefined ? `part ${n + 1}` : partName(split, n));
  }
  const more = missing > MAX_NAMED ? ` and ${missing - MAX_NAMED} more` : '';
  throw fail(
    'gguf-split',
    `The model is split into ${count} parts; missing: ${names.join(', ')}${more}.`,
    ALL_PARTS_REMEDY,
    {
      file: first.source.name,
      expected: count,
      actual: ordered.size,
      missing: names.join(', '),
    },
  );
}

/** Missing parts that the message names one by one. */
const MAX_NAMED = 5;

function checkTensorCount(first: Part, parts: readonly Part[]): void {
  const expected = parts.map((p) => p.header.metadata.get('split.tensors.count')).find((v) => v !== undefined);
  const actual = parts.reduce((sum, part) => sum + part.header.tensors.length, 0);
  if (expected === undefined || expected === actual) return;
  throw fail(
    'gguf-split',
    `The parts of ${first.source.name} hold ${actual} tensors together; split.tensors.count says ${String(expected)}.`,
    'One of the parts is of another version of the model. Download all parts again.',
    { file: first.source.name, key: 'split.tensors.count', expected: String(expected), actual },
  );
}
