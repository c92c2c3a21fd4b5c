import { fail } from '../base/errors';
import type { GgufValue, ModelFile } from '../gguf/model-file';

/** One key of the metadata. */
export interface KeySpec {
  /** Without the architecture's prefix: `attention.head_count`. */
  readonly key: string;
  /** `size`: a whole number from 1. `real`: a positive number. */
  readonly kind: 'size' | 'real';
  /** Where the file lacks the key: a constant, or what the keys before it give. Undefined: it is required. */
  readonly otherwise: number | ((before: Readonly<Record<string, number>>) => number) | undefined;
}

/** A size: required unless `otherwise` says what it is in a file without the key. @param otherwise a number, or the name of a size above */
export function size(key: string, otherwise?: KeySpec['otherwise'] | string): KeySpec {
  return { key, kind: 'size', otherwise: typeof otherwise === 'string' ? (k) => k[otherwise] ?? NaN : otherwise };
}

/** A positive constant. */
export function real(key: string, otherwise?: number): KeySpec {
  return { key, kind: 'real', otherwise };
}

/** Reports sizes that contradict each other. @param name the size at fault */
export type Contradict = (message: string, name: string, expected: string) => never;

/** Largest value that a size in the metadata may have: above it a file is hostile or broken, not large. */
const MAX_SIZE = 2 ** 31 - 1;

/**
 * Reads the keys of a table, and `nVocab`, the rows of the token embedding.
 * @throws TracerError `gguf-missing-key`, `gguf-malformed` (a value that is not a positive size), `gguf-missing-tensor`
 */
export function readKeys(
  model: ModelFile,
  arch: { readonly name: string; readonly title: string; readonly keys: Readonly<Record<string, KeySpec>> },
): { readonly values: Readonly<Record<string, number>>; readonly contradict: Contradict } {
  const values: Record<string, number> = {};
  for (const [name, spec] of Object.entries(arch.keys)) {
    const key = `${arch.name}.${spec.key}`;
    const value = model.metadata.get(key);
    const { otherwise } = spec;
    if (value === undefined && otherwise === undefined) throw missing(key, arch.title);
    if (value !== undefined) values[name] = spec.kind === 'size' ? positiveSize(key, value) : positiveReal(key, value);
    else values[name] = typeof otherwise === 'function' ? otherwise(values) : (otherwise ?? NaN);
  }
  const nVocab = model.tensors.get('token_embd.weight')?.dims[1];
  if (nVocab === undefined) {
    throw fail(
      'gguf-missing-tensor',
      `Tensor token_embd.weight is missing from ${model.name}, or is not a matrix.`,
      'The file is incomplete (a vocabulary-only file, or one part of a split model). Drop the whole model.',
      { tensor: 'token_embd.weight' },
    );
  }
  return {
    values: { ...values, nVocab },
    contradict: (message, name, expected) => {
      throw fail(
        'gguf-malformed',
        message,
        `The metadata of this file is not that of a ${arch.title} model. Convert it again.`,
        { key: `${arch.name}.${arch.keys[name]?.key ?? name}`, expected, actual: values[name] ?? NaN },
      );
    },
  };
}

function positiveSize(key: string, value: GgufValue): number {
  const n = typeof value === 'bigint' ? Number(value) : value;
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > MAX_SIZE) {
    throw fail(
      'gguf-malformed',
      `Metadata key ${key} is ${describe(value)}; expected a whole number from 1 to ${MAX_SIZE}.`,
      'Convert the model again.',
      { key, actual: describe(value), limit: MAX_SIZE },
    );
  }
  return n;
}

function positiveReal(key: string, value: GgufValue): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw fail(
      'gguf-malformed',
      `Metadata key ${key} is ${describe(value)}; expected a positive number.`,
      'Convert the model again.',
      { key, actual: describe(value) },
    );
  }
  return value;
}

function missing(key: string, title: string): Error {
  return fail(
    'gguf-missing-key',
    `Metadata key ${key} is missing.`,
    `The file is not a complete ${title} export. Convert it again.`,
    { key },
  );
}

function describe(value: GgufValue): string {
  return typeof value === 'object' ? `an array of ${value.length}` : String(value);
}
