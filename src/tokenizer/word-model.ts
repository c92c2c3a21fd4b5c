import type { BPE } from '@huggingface/tokenizers';

/** How a text becomes pieces of a vocabulary, and pieces bytes. */
export interface WordModel {
  /** The words of a text, each merged by itself, in the alphabet of the pieces. */
  split(text: string): readonly string[];
  bytesOfWord(word: string): Uint8Array;
  bytesOfPiece(piece: string): Uint8Array;
  /** Made when it is first asked for: half a second and 30 MB, for which a run of token ids has no use. */
  merger(): BPE;
  /** Whether a text gets a space before it. */
  readonly hasSpacePrefix: boolean;
  /** Where the file has no `tokenizer.ggml.add_bos_token`. */
  readonly addBos: boolean;
}
