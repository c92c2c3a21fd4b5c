import { BPE } from '@huggingface/tokenizers';
import { bytesOfPiece, pieceOfText } from './byte-level';
import { findPreTokenizer } from './pre-tokenizers';
import { wordSplitter } from './split-words';
import { partsOf, type BytePairs, type Vocabulary } from './vocabulary';
import type { WordModel } from './word-model';

/**
 * Byte-level BPE: pre-tokenizer and byte-pair merging. Special tokens are cut out before the text gets here: the library takes the leftmost
 * one where llama.cpp takes the longest.
 * @throws TracerError `tokenizer-unsupported` where the pre-tokenizer is not known
 */
export function bytePairModel(vocabulary: Vocabulary, { pre: name, merges }: BytePairs): WordModel {
  const pre = findPreTokenizer(name);
  const words = wordSplitter(pre.regexes);
  let merger: BPE | undefined;
  return {
    split: (text) => words(text).map(pieceOfText),
    bytesOfWord: bytesOfPiece,
    bytesOfPiece,
    merger: () => (merger ??= buildMerger(vocabulary, merges, pre.ignoreMerges)),
    hasSpacePrefix: false,
    addBos: pre.addBos,
  };
}

/**
 * The byte-pair model with its two look-up tables filled here: handing 151,936 tokens over as one object, as tokenizer.json has them,
 * takes more than twice as long.
 */
function buildMerger({ ids }: Vocabulary, merges: BytePairs['merges'], ignoreMerges: boolean): BPE {
  const model = new BPE({
    type: 'BPE',
    vocab: {},
    merges: [],
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: ignoreMerges,
  });
  model.tokens_to_ids = new Map(ids);
  // Last to first, so that the first of two equal pairs stays.
  for (const [i, line] of merges.toReversed().entries()) {
    model.bpe_ranks.set(JSON.stringify(partsOf(line)), merges.length - 1 - i);
  }
  return model;
}
