import { fail } from '../base/errors';
import type { GgufValue } from '../gguf/model-file';

/** `tokenizer.ggml.token_type`, numbered as in llama.h (`enum llama_token_type`). */
export const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** What the tokenizer needs of the metadata, checked. */
export interface Vocabulary {
  readonly pieces: BytePairs | Scored;
  /** Text of each id: the alphabet of the tokenizer for normal tokens, plain text for special ones. No duplicates, none empty. */
  readonly tokens: readonly string[];
  /** The inverse of `tokens`. */
  readonly ids: ReadonlyMap<string, number>;
  /** {@link TOKEN_TYPE} of each id. */
  readonly types: ArrayLike<number>;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Undefined where the file does not say. */
  readonly addBos: boolean | undefined;
}

/** Byte-level BPE. */
export interface BytePairs {
  /** `tokenizer.ggml.pre`. */
  readonly pre: string;
  /** Pairs in rank order, as the file has them: both parts with a space between; of two equal pairs the first counts. */
  readonly merges: readonly string[];
}

/** SentencePiece. */
export interface Scored {
  /** Of each id. */
  readonly scores: ArrayLike<number>;
  /** `tokenizer.ggml.add_space_prefix`. */
  readonly hasSpacePrefix: boolean;
}

/** How pieces are read, by `tokenizer.ggml.model`: llama.cpp calls byte-level BPE `gpt2`, and SentencePiece `llama`. */
const READERS: Readonly<
  Record<string, (metadata: ReadonlyMap<string, GgufValue>, count: number) => BytePairs | Scored>
> = { gpt2: readBytePairs, llama: readScored };

/**
 * Reads and checks the `tokenizer.ggml.*` keys.
 * @throws TracerError `tokenizer-unsupported` (another kind of tokenizer), `tokenizer-malformed` (a key is missing or is not what it
 * should be; names the key).
 */
export function readVocabulary(metadata: ReadonlyMap<string, GgufValue>): Vocabulary {
  const model = requireString(metadata, 'tokenizer.ggml.model');
  const readPieces = Object.entries(READERS).find(([name]) => name === model)?.[1];
  if (readPieces === undefined) {
    const known = Object.keys(READERS).join(', ');
    throw fail(
      'tokenizer-unsupported',
      `This file's tokenizer is ${JSON.stringify(model)}; MoEscope knows byte-level BPE and SentencePiece only.`,
      `Known tokenizers: ${known}. Give token ids instead of text.`,
      { key: 'tokenizer.ggml.model', actual: model, expected: known },
    );
  }
  const tokens = requireStrings(metadata, 'tokenizer.ggml.tokens').map((t, id) => (t === '' ? `[EMPTY_${id}]` : t));
  return {
    pieces: readPieces(metadata, tokens.length),
    tokens,
    ids: idsOf(tokens),
    types: readTypes(metadata, tokens.length),
    bosId: readId(metadata, 'tokenizer.ggml.bos_token_id', tokens.length),
    eosId: readId(metadata, 'tokenizer.ggml.eos_token_id', tokens.length),
    addBos: readFlag(metadata, 'tokenizer.ggml.add_bos_token'),
  };
}

function readBytePairs(metadata: ReadonlyMap<string, GgufValue>): BytePairs {
  return {
    pre: requireString(metadata, 'tokenizer.ggml.pre'),
    merges: checkedMerges(requireStrings(metadata, 'tokenizer.ggml.merges')),
  };
}

/** A file that does not say has a space before its texts, as in llama.cpp. */
function readScored(metadata: ReadonlyMap<string, GgufValue>, count: number): Scored {
  const key = 'tokenizer.ggml.scores';
  const scores = metadata.get(key);
  if (scores === undefined) throw malformed(key, 'is missing');
  if (!(scores instanceof Float32Array)) throw malformed(key, `is ${describe(scores)}; expected an array of f32`);
  if (scores.length !== count) throw malformed(key, `has ${scores.length} entries; tokenizer.ggml.tokens has ${count}`);
  return { scores, hasSpacePrefix: readFlag(metadata, 'tokenizer.ggml.add_space_prefix') ?? true };
}

function idsOf(tokens: readonly string[]): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) ids.set(token, id);
  if (ids.size === tokens.length) return ids;
  const duplicate = tokens.findIndex((token, id) => ids.get(token) !== id);
  const text = tokens[duplicate] ?? '';
  throw malformed(
    'tokenizer.ggml.tokens',
    `has the text ${JSON.stringify(text)} twice, as ${duplicate} and ${ids.get(text)}`,
  );
}

/** Absent: all tokens are normal, as in llama.cpp. */
function readTypes(metadata: ReadonlyMap<string, GgufValue>, count: number): ArrayLike<number> {
  const key = 'tokenizer.ggml.token_type';
  const value = metadata.get(key);
  if (value === undefined) return new Uint8Array(count).fill(TOKEN_TYPE.normal);
  const types = wholeNumbers(value);
  if (types === undefined) throw malformed(key, `is ${describe(value)}; expected an array of whole numbers`);
  if (types.length !== count) throw malformed(key, `has ${types.length} entries; tokenizer.ggml.tokens has ${count}`);
  return types;
}

/** An array of integers of any width: writers differ in it. */
function wholeNumbers(value: GgufValue): ArrayLike<number> | undefined {
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value, Number);
  const isFloat = value instanceof Float32Array || value instanceof Float64Array;
  return ArrayBuffer.isView(value) && !isFloat ? value : undefined;
}

/** The lines, each of which has two parts. Cut up they would be half a million objects, which every collection of garbage would pass. */
function checkedMerges(lines: readonly string[]): readonly string[] {
  for (const [rank, line] of lines.entries()) {
    const space = line.indexOf(' ', 1);
    if (space < 1 || space === line.length - 1) {
      throw malformed('tokenizer.ggml.merges', `entry ${rank} is ${JSON.stringify(line)}; expected two parts`);
    }
  }
  return lines;
}

/** The two parts of a line of {@link BytePairs.merges}. */
export function partsOf(line: string): readonly [string, string] {
  const space = line.indexOf(' ', 1);
  return [line.slice(0, space), line.slice(space + 1)];
}

/** An id outside the vocabulary is how files say that there is no such token: 2^32 - 1, -1, one that was cut off. */
function readId(metadata: ReadonlyMap<string, GgufValue>, key: string, count: number): number | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  const id = typeof value === 'bigint' ? Number(value) : value;
  if (typeof id !== 'number' || !Number.isInteger(id)) {
    throw malformed(key, `is ${describe(value)}; expected a token id`);
  }
  return id >= 0 && id < count ? id : undefined;
}

function readFlag(metadata: ReadonlyMap<string, GgufValue>, key: string): boolean | undefined {
  const value = metadata.get(key);
  if (value !== undefined && typeof value !== 'boolean') throw malformed(key, `is ${describe(value)}; expected a bool`);
  return value;
}

function requireString(metadata: ReadonlyMap<string, GgufValue>, key: string): string {
  const value = metadata.get(key);
  if (value === undefined) throw malformed(key, 'is missing');
  if (typeof value !== 'string') throw malformed(key, `is ${describe(value)}; expected a string`);
  return value;
}

function requireStrings(metadata: ReadonlyMap<string, GgufValue>, key: string): readonly string[] {
  const value = metadata.get(key);
  if (value === undefined) throw malformed(key, 'is missing');
  if (!isStringArray(value)) throw malformed(key, `is ${describe(value)}; expected an array of strings`);
  if (value.length === 0) throw malformed(key, 'is empty');
  return value;
}

function isStringArray(value: GgufValue): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function malformed(key: string, what: string): Error {
  return fail(
    'tokenizer-malformed',
    `The tokenizer of this file cannot be used: ${key} ${what}.`,
    'Give token ids instead of text, or convert the model again.',
    { key },
  );
}

function describe(value: GgufValue): string {
  return typeof value === 'object' ? `an array of ${value.length}` : JSON.stringify(String(value));
}
