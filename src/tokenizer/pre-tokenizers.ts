import { fail } from '../base/errors';

/** How a text is cut into words before byte-pair merging. Regular expressions apply in order; each match is a word of its own. */
export interface PreTokenizer {
  /** The values of `tokenizer.ggml.pre` that mean it. */
  readonly names: readonly string[];
  readonly regexes: readonly string[];
  /** A word that is in the vocabulary is taken whole, without merging. */
  readonly ignoreMerges: boolean;
  /** Where the file has no `tokenizer.ggml.add_bos_token`. */
  readonly addBos: boolean;
}

const CONTRACTIONS = String.raw`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`;
const WHITESPACE = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** GPT-4 style words; `digits` digits at most in one word. */
function gpt4Words(digits: string): string {
  return String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${WHITESPACE}`;
}

/** The same words as llama.cpp's `llm_tokenizer_bpe` cuts for these names. */
export const PRE_TOKENIZERS = [
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'megrez'],
    regexes: [gpt4Words(String.raw`\p{N}`)],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['qwen35'],
    regexes: [
      String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${WHITESPACE}`,
    ],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3'],
    regexes: [gpt4Words(String.raw`\p{N}{1,3}`)],
    ignoreMerges: true,
    addBos: true,
  },
  { names: ['gpt-2'], regexes: [GPT2], ignoreMerges: false, addBos: false },
  { names: ['starcoder', 'smollm'], regexes: [String.raw`\p{N}`, GPT2], ignoreMerges: false, addBos: false },
] as const satisfies readonly PreTokenizer[];

/** The pre-tokenizer that `tokenizer.ggml.pre` names. @throws TracerError `tokenizer-unsupported` with the known names. */
export function findPreTokenizer(pre: string): PreTokenizer {
  for (const entry of PRE_TOKENIZERS) {
    const names: readonly string[] = entry.names;
    if (names.includes(pre)) return entry;
  }
  const known = PRE_TOKENIZERS.flatMap((entry) => entry.names).join(', ');
  throw fail(
    'tokenizer-unsupported',
    `This file's pre-tokenizer is ${JSON.stringify(pre)}, which MoEscope does not know.`,
    `Known pre-tokenizers: ${known}. Give token ids instead of text, or convert the model again.`,
    { key: 'tokenizer.ggml.pre', actual: pre, expected: known },
  );
}
