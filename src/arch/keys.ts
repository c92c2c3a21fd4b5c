import { fail } from '../base/errors';
import type { GgufValue, ModelFile } from '../gguf/model-file';

/** One key of the metadata. */
export interface KeySpec {
  /** Without the architecture's prefix: `attention.head_count`. */
  readonly key: string;
  /**
   * `size`: a whole number from 1. `real`: a positive number. `choice`: a word, or a flag, as the number that stands for it. `period`: see
   * {@link period}. `tensor`: whether the file has the tensor of this name, 1 or 0.
   */
  readonly kind: 'size' | 'real' | 'choice' | 'period' | 'tensor';
  /** Where the file lacks the key: a constant, or what the keys before it give. Undefined: it is required. */
  readonly otherwise: number | ((before: Readonly<Record<string, number>>) => number) | undefined;
  /** Whether 0 says the same as no key at all, as it does to llama.cpp. */
  readonly zeroIsAbsent?: boolean;
  /** Of a choice: the words and their numbers. */
  readonly words?: Readonly<Record<string, number>>;
  /** The name of the same key in older files. */
  readonly older?: string;
}

type Otherwise = KeySpec['otherwise'] | string;

/** A size: required unless `otherwise` says what it is in a file without the key. @param otherwise a number, or the name of a size above */
export function size(key: string, otherwise?: Otherwise): KeySpec {
  return { key, kind: 'size', otherwise: asDefault(otherwise) };
}

/** A size that a file may also give as 0 to say that it has none of its own. */
export function optionalSize(key: string, otherwise: Otherwise): KeySpec {
  return { ...size(key, otherwise), zeroIsAbsent: true };
}

/** A positive constant. */
export function real(key: string, otherwise?: number): KeySpec {
  return { key, kind: 'real', otherwise };
}

/** A positive constant that a file may also give as 0 to say that it has none. */
export function optionalReal(key: string, otherwise: Otherwise, older?: string): KeySpec {
  const spec: KeySpec = { key, kind: 'real', otherwise: asDefault(otherwise), zeroIsAbsent: true };
  return older === undefined ? spec : { ...spec, older };
}

/** One of these words (`true` and `false` for a flag), as its number. @param otherwise the word of a file without the key */
export function choice(key: string, words: Readonly<Record<string, number>>, otherwise: string): KeySpec {
  return { key, kind: 'choice', words, otherwise: words[otherwise] ?? NaN };
}

/**
 * Layers of two kinds in turn: of so many, the last is of the other kind. A file may have a flag for each layer instead, which says whether it
 * is of the first kind.
 */
export function period(key: string, otherwise: Otherwise): KeySpec {
  return { key, kind: 'period', otherwise: asDefault(otherwise) };
}

/** Whether a file has a tensor that it may lack: 1 or 0. @param name GGUF name, of any layer or of the whole model */
export function hasTensor(name: string): KeySpec {
  return { key: name, kind: 'tensor', otherwise: 0 };
}

/** Whether a layer is of the first kind. @param layers of a {@link period}; 0: all are */
export function isFirstKind(layer: number, layers: number): boolean {
  return layers === 0 || layer % layers < layers - 1;
}

function asDefault(otherwise: Otherwise): KeySpec['otherwise'] {
  return typeof otherwise === 'string' ? (k) => k[otherwise] ?? NaN : otherwise;
}

/** Reports sizes that contradict each other. @param name the size at fault */
export type Contradict = (message: string, name: string, expected: string) => never;

export type KeyTable = Readonly<Record<string, KeySpec>>;

/** Largest value that a size in the metadata may have: above it a file is hostile or broken, not large. */
const MAX_SIZE = 2 ** 31 - 1;

/** These values, and for each key without one what a file without the key has; NaN for one that is required. */
export function withDefaults(keys: KeyTable, given: Readonly<Record<string, number>>): Record<string, number> {
  const values: Record<string, number> = { ...given };
  for (const [name, { otherwise }] of Object.entries(keys)) {
    values[name] ??= typeof otherwise === 'function' ? otherwise(values) : (otherwise ?? NaN);
  }
  return values;
}

/**
 * Reads the keys of a table, and `nVocab`, the rows of the token embedding.
 * @throws TracerError `gguf-missing-key`, `gguf-malformed` (a value that is not a positive size), `gguf-missing-tensor`
 */
export function readKeys(
  model: ModelFile,
  arch: { readonly name: string; readonly title: string; readonly keys: KeyTable },
): { readonly values: Readonly<Record<string, number>>; readonly contradict: Contradict } {
  const values: Record<string, number> = {};
  for (const [name, spec] of Object.entries(arch.keys)) {
    if (spec.kind === 'tensor') {
      values[name] = [...model.tensors.keys()].some((tensor) => `.${tensor}`.endsWith(`.${spec.key}`)) ? 1 : 0;
      continue;
    }
    const key = `${arch.name}.${spec.key}`;
    const older = spec.older === undefined ? undefined : model.metadata.get(`${arch.name}.${spec.older}`);
    const found = model.metadata.get(key) ?? older;
    const given = spec.kind === 'period' ? found : uniform(key, found);
    const value = spec.zeroIsAbsent === true && Number(given) === 0 ? undefined : given;
    const { otherwise } = spec;
    if (value === undefined && otherwise === undefined) throw missing(key, arch.title);
    if (value !== undefined) values[name] = READERS[spec.kind](key, value, spec);
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

const READERS: Readonly<
  Record<Exclude<KeySpec['kind'], 'tensor'>, (key: string, value: GgufValue, spec: KeySpec) => number>
> = {
  size: positiveSize,
  real: positiveReal,
  choice: wordNumber,
  period: layersInTurn,
};

/** A value, or the one value of an array with an element a layer. @throws TracerError `gguf-malformed` where layers differ */
function uniform(key: string, value: GgufValue | undefined): GgufValue | undefined {
  if (typeof value !== 'object') return value;
  const [first] = value;
  if (value.length > 0 && typeof first !== 'object' && new Set<unknown>(value).size === 1) return first;
  throw fail(
    'gguf-malformed',
    `Metadata key ${key} is ${describe(value)} that are not all the same; MoEscope runs models whose layers agree in it.`,
    'Nothing is wrong with the file where its layers differ on purpose: such models do not run here yet.',
    { key, actual: describe(value) },
  );
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

function wordNumber(key: string, value: GgufValue, { words = {} }: KeySpec): number {
  const found = Object.entries(words).find(([word]) => word === String(value));
  if (found !== undefined) return found[1];
  throw fail(
    'gguf-unsupported',
    `Metadata key ${key} is ${describe(value)}; MoEscope computes ${Object.keys(words).join(', ')}.`,
    'Use a file without it, or another tool: computed otherwise, both sides would agree on another model than the file describes.',
    { key, actual: describe(value), expected: Object.keys(words).join(', ') },
  );
}

function layersInTurn(key: string, value: GgufValue): number {
  if (Number(value) === 0) return 0;
  if (typeof value !== 'object') return positiveSize(key, value);
  const flags = [...value].map(Boolean);
  const found = [0, ...flags.keys(), flags.length].find((layers) =>
    flags.every((flag, layer) => flag === isFirstKind(layer, layers)),
  );
  if (found !== undefined) return found;
  throw fail(
    'gguf-unsupported',
    `Metadata key ${key} gives its layers no order in which the last of so many is of the other kind.`,
    'Nothing is wrong with the file where its layers differ on purpose: such models do not run here yet.',
    { key, actual: describe(value) },
  );
}

function missing(key: string, title: string): Error {
  return fail(
    'gguf-missing-key',
    `Metadata key ${key} is missing.`,
    `The file is not a complete ${title} export. Convert it again.`,
    { key },
  );
}

/** A value of the metadata in a few words. */
export function describe(value: GgufValue): string {
  return typeof value === 'object' ? `an array of ${value.length}` : String(value);
}
