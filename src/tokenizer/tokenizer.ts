import { fail } from '../base/errors';
import type { GgufValue } from '../gguf/model-file';
import { bytesOfText, labelOfBytes, textOfBytes } from './byte-level';
import { bytePairModel } from './byte-pairs';
import { sentencePieceModel } from './sentence-pieces';
import { specialTokens, splitAtSpecialTokens } from './special-tokens';
import { readVocabulary, TOKEN_TYPE } from './vocabulary';

export interface EncodeOptions {
  /** True: control tokens written in the text (`<|im_start|>`) become their ids. False: they are plain text; user-defined tokens are still found. */
  readonly parseSpecial: boolean;
}

/** The model file's own tokenizer. Ids equal llama.cpp's with `add_special` false. */
export interface Tokenizer {
  readonly vocabSize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Whether the model wants `bosId` before the text; {@link Tokenizer.encode} never adds it. */
  readonly addBos: boolean;
  /**
   * Token ids of a text. No normalisation, nothing added. An unpaired surrogate counts as U+FFFD.
   * @throws TracerError `tokenizer-malformed` when the vocabulary has no tokens for a part of the text.
   */
  encode(text: string, options: EncodeOptions): number[];
  /**
   * {@link Tokenizer.encode} in short steps, each with its ids, so that the caller can yield between them: a text of a megabyte takes seconds.
   * @throws TracerError `tokenizer-malformed`, `prompt-length` (a word that is too long to be merged in one step)
   */
  encodeInSteps(text: string, options: EncodeOptions): Iterable<readonly number[]>;
  /**
   * The text of a token sequence, special tokens included, without the space that the tokenizer puts before a text; bytes that are not UTF-8
   * become U+FFFD.
   * @throws TracerError `prompt-token`
   */
  decode(ids: readonly number[]): string;
  /** The bytes of one token, which may be a part of a character; none for an id outside the vocabulary. */
  tokenBytes(id: number): Uint8Array;
  /** One token for labels: its text, and bytes that are not UTF-8 by themselves as `<E4>`. An id outside the vocabulary is `<151936>`. */
  tokenText(id: number): string;
}

/**
 * Builds the tokenizer from GGUF metadata.
 * @throws TracerError `tokenizer-unsupported` (kind or pre-tokenizer not known; names it and the known ones), `tokenizer-malformed`.
 */
export function createTokenizer(metadata: ReadonlyMap<string, GgufValue>): Tokenizer {
  const vocabulary = readVocabulary(metadata);
  const { tokens, types, pieces } = vocabulary;
  const words = 'scores' in pieces ? sentencePieceModel(vocabulary, pieces) : bytePairModel(vocabulary, pieces);
  const specials = specialTokens(vocabulary);

  const bytesOf = (id: number): Uint8Array => {
    const text = tokens[id] ?? '';
    const isPiece = types[id] === TOKEN_TYPE.normal || types[id] === TOKEN_TYPE.byte;
    return isPiece ? words.bytesOfPiece(text) : bytesOfText(text);
  };
  const isToken = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < tokens.length;

  const encodeWords = function* (text: string): Generator<readonly number[]> {
    for (const some of inSteps(words.split(text))) {
      const found = words.merger().encode(some);
      const [given, kept] = [some.map(words.bytesOfWord), found.map(words.bytesOfPiece)].map(lengthOf);
      if (given !== kept) throw lostText(text);
      yield found.map((piece) => vocabulary.ids.get(piece) ?? NaN);
    }
  };
  const encodeInSteps = function* (text: string, { parseSpecial }: EncodeOptions): Generator<readonly number[]> {
    for (const fragment of splitAtSpecialTokens(text, specials, parseSpecial)) {
      if (typeof fragment === 'number') yield [fragment];
      else yield* encodeWords(fragment);
    }
  };

  return {
    vocabSize: tokens.length,
    bosId: vocabulary.bosId,
    eosId: vocabulary.eosId,
    addBos: vocabulary.addBos ?? words.addBos,
    encode: (text, options) => [...encodeInSteps(text, options)].flat(),
    encodeInSteps,
    decode: (ids) => {
      for (const id of ids) if (!isToken(id)) throw notAToken(id, tokens.length);
      const bytes = concatenate(ids.map(bytesOf));
      return textOfBytes(words.hasSpacePrefix && bytes[0] === 0x20 ? bytes.subarray(1) : bytes);
    },
    tokenBytes: (id) => (isToken(id) ? bytesOf(id) : new Uint8Array(0)),
    tokenText: (id) => (isToken(id) ? labelOfBytes(bytesOf(id)) : `<${id}>`),
  };
}

/** Bytes of text that are merged in one step: below 50 ms, whatever the text. */
const MOST_IN_STEP = 1024;
/**
 * Bytes of one word, which is merged in one step. No text that a person wrote has one as long; it takes about a second, and ten times as long takes ten seconds
 * in which nothing else is heard.
 */
export const MOST_OF_WORD = 2 ** 16;

/** The words in order, in steps of about {@link MOST_IN_STEP} bytes. @throws TracerError `prompt-length` */
function* inSteps(words: readonly string[]): Generator<string[]> {
  let step: string[] = [];
  let bytes = 0;
  for (const word of words) {
    if (word.length > MOST_OF_WORD) {
      throw fail(
        'prompt-length',
        `The prompt has ${word.length} bytes without a place to cut them into words; at most ${MOST_OF_WORD} can be merged to tokens.`,
        'Break the text up, or give token ids.',
        { bytes: word.length, limit: MOST_OF_WORD },
      );
    }
    if (bytes + word.length > MOST_IN_STEP && step.length > 0) {
      yield step;
      [step, bytes] = [[], 0];
    }
    step.push(word);
    bytes += word.length;
  }
  if (step.length > 0) yield step;
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function lostText(text: string): Error {
  const excerpt = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return fail(
    'tokenizer-malformed',
    `The vocabulary of this file has no tokens for a part of ${JSON.stringify(excerpt)}.`,
    'Give token ids instead of text, or convert the model again.',
    { key: 'tokenizer.ggml.tokens', text: excerpt },
  );
}

function notAToken(id: number, count: number): Error {
  return fail(
    'prompt-token',
    `${id} is not a token id of this model.`,
    `Token ids are whole numbers from 0 to ${count - 1}.`,
    { actual: id, limit: count - 1 },
  );
}
