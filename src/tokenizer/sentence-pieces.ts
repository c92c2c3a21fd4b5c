import { BPE } from '@huggingface/tokenizers';
import { bytesOfText } from './byte-level';
import { TOKEN_TYPE, type Scored, type Vocabulary } from './vocabulary';
import type { WordModel } from './word-model';

/** What pieces have for a space. */
const SPACE = '\u2581';

/** Behind a character, before a space. */
const WORD_ENDS = new RegExp(`(?<=[^${SPACE}])(?=${SPACE})`, 'u');

/** A byte that has no piece of its own. */
const BYTE = /^<0x([0-9A-F]{2})>$/;

/**
 * SentencePiece as llama.cpp has it (`llm_tokenizer_spm`): neighbours are merged to the piece with the highest score, of equals the leftmost,
 * and characters that are no piece become their bytes. Text is not normalised.
 */
export function sentencePieceModel(vocabulary: Vocabulary, { scores, hasSpacePrefix }: Scored): WordModel {
  const { tokens, types } = vocabulary;
  // No piece reaches over the end of a word in the vocabularies that are around, so that words can be merged one by one.
  const isCut = !tokens.some((token, id) => types[id] === TOKEN_TYPE.normal && WORD_ENDS.test(token));
  const bytes = new Map(tokens.flatMap((token, id) => (types[id] === TOKEN_TYPE.byte ? [[token, byteOf(token)]] : [])));
  let merger: BPE | undefined;
  return {
    split(text) {
      const escaped = `${hasSpacePrefix ? ' ' : ''}${text}`.replaceAll(' ', SPACE);
      return isCut ? escaped.split(WORD_ENDS) : [escaped];
    },
    bytesOfWord: bytesOfRaw,
    bytesOfPiece: (piece) => bytes.get(piece) ?? bytesOfRaw(piece),
    merger: () => (merger ??= buildMerger(vocabulary, scores)),
    hasSpacePrefix,
    addBos: true,
  };
}

function bytesOfRaw(word: string): Uint8Array {
  return bytesOfText(word.replaceAll(SPACE, ' '));
}

function byteOf(token: string): Uint8Array {
  const [, hex] = BYTE.exec(token) ?? [];
  return hex === undefined ? bytesOfText(token) : Uint8Array.of(Number.parseInt(hex, 16));
}

/** Every pair that makes a piece, by the piece's score; equal scores are one rank, in which the library takes the leftmost. */
function buildMerger({ tokens, ids }: Vocabulary, scores: ArrayLike<number>): BPE {
  const model = new BPE({
    type: 'BPE',
    vocab: {},
    merges: [],
    fuse_unk: false,
    byte_fallback: true,
    ignore_merges: false,
  });
  model.tokens_to_ids = new Map(ids);
  const order = [...new Set(Array.from(scores))].sort((a, b) => b - a);
  const ranks = new Map(order.map((score, rank) => [score, rank]));
  // A character need not be a piece to become a part of one.
  const isPart = (text: string): boolean => ids.has(text) || text.length === lengthAt(text, 0);
  for (const [id, token] of tokens.entries()) {
    const rank = ranks.get(scores[id] ?? NaN) ?? order.length;
    for (let cut = lengthAt(token, 0); cut < token.length; cut += lengthAt(token, cut)) {
      const halves = [token.slice(0, cut), token.slice(cut)];
      if (halves.every(isPart)) model.bpe_ranks.set(JSON.stringify(halves), rank);
    }
  }
  return model;
}

/** Code units of the character that begins there. */
function lengthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
