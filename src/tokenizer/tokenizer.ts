import { BPE, Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { fail } from '../base/errors';
import type { GgufValue } from '../gguf/model-file';
import { bytesOfPiece, bytesOfText, labelOfBytes, textOfBytes } from './byte-level';
import { findPreTokenizer, type PreTokenizer } from './pre-tokenizers';
import { specialTokens, splitAtSpecialTokens } from './special-tokens';
import { readVocabulary, TOKEN_TYPE, type Vocabulary } from './vocabulary';

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
  /** The text of a token sequence, special tokens included; bytes that are not UTF-8 become U+FFFD. @throws TracerError `prompt-token`. */
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
  const pre = findPreTokenizer(vocabulary.pre);
  const specials = specialTokens(vocabulary);
  const words = buildWordTokenizer(vocabulary, pre);
  const { tokens, types } = vocabulary;

  const bytesOf = (id: number): Uint8Array => {
    const text = tokens[id] ?? '';
    return types[id] === TOKEN_TYPE.normal ? bytesOfPiece(text) : bytesOfText(text);
  };
  const isToken = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < tokens.length;

  const encodeWords = function* (text: string): Generator<readonly number[]> {
    let bytes = 0;
    for (const some of inSteps(words.split(text))) {
      const ids = words.model.encode(some).map((piece) => vocabulary.ids.get(piece) ?? NaN);
      bytes += ids.reduce((sum, id) => sum + bytesOfPiece(tokens[id] ?? '').length, 0);
      yield ids;
    }
    if (bytes !== bytesOfText(text).length) throw lostText(text);
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
    addBos: vocabulary.addBos ?? pre.addBos,
    encode: (text, options) => [...encodeInSteps(text, options)].flat(),
    encodeInSteps,
    decode: (ids) => {
      for (const id of ids) if (!isToken(id)) throw notAToken(id, tokens.length);
      return textOfBytes(concatenate(ids.map(bytesOf)));
    },
    tokenBytes: (id) => (isToken(id) ? bytesOf(id) : new Uint8Array(0)),
    tokenText: (id) => (isToken(id) ? labelOfBytes(bytesOf(id)) : `<${id}>`),
  };
}

/** How a text becomes pieces of the vocabulary. */
interface WordTokenizer {
  /** The words of a text, in the printable alphabet for bytes. */
  split(text: string): readonly string[];
  readonly model: BPE;
}

/**
 * Pre-tokenizer and byte-pair merging. Special tokens are cut out before the text gets here ({@link splitAtSpecialTokens}): the library
 * takes the leftmost one where llama.cpp takes the longest.
 */
function buildWordTokenizer(vocabulary: Vocabulary, pre: PreTokenizer): WordTokenizer {
  const splits = pre.regexes.map((Regex) => ({
    type: 'Split',
    pattern: { Regex },
    behavior: 'Isolated',
    invert: false,
  }));
  const { pre_tokenizer: preTokenizer } = new HuggingFaceTokenizer(
    {
      added_tokens: [],
      normalizer: null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          ...splits,
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      model: { type: 'BPE', vocab: {}, merges: [] },
      post_processor: null,
      decoder: null,
    },
    {},
  );
  return { split: (text) => preTokenizer?.pre_tokenize(text) ?? [], model: buildMerger(vocabulary, pre) };
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

/**
 * The byte-pair model with its two look-up tables filled here: handing 151,936 tokens over as one object, as tokenizer.json has them,
 * takes more than twice as long.
 */
function buildMerger(vocabulary: Vocabulary, pre: PreTokenizer): BPE {
  const model = new BPE({
    type: 'BPE',
    vocab: {},
    merges: [],
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: pre.ignoreMerges,
  });
  model.tokens_to_ids = new Map(vocabulary.ids);
  // Last to first, so that the first of two equal pairs stays.
  for (const [i, pair] of vocabulary.merges.toReversed().entries()) {
    model.bpe_ranks.set(JSON.stringify(pair), vocabulary.merges.length - 1 - i);
  }
  return model;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
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
