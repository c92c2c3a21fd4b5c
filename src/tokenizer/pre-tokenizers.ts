import { fail } from '../base/errors';

/**
 * How a text is cut into words before byte-pair merging. Each regular expression in turn cuts what those before it left: a match is a word, and so is
 * what lies between two.
 */
export interface PreTokenizer {
  /** The values of `tokenizer.ggml.pre` that mean it. */
  readonly names: readonly string[];
  /** `\s` and `\S` are Unicode's White_Space, as in llama.cpp ({@link import('./split-words')}). */
  readonly regexes: readonly string[];
  /** A word that is in the vocabulary is taken whole, without merging. */
  readonly ignoreMerges: boolean;
  /** Where the file has no `tokenizer.ggml.add_bos_token`. */
  readonly addBos: boolean;
}

const CONTRACTIONS = String.raw`(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])`;
const WHITESPACE = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const UP_TO_THREE_DIGITS = String.raw`\p{N}{1,3}`;

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** GPT-4 style words; `digits` digits at most in one word. */
function gpt4Words(digits: string): string {
  return String.raw`${CONTRACTIONS}|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${WHITESPACE}`;
}

/**
 * GPT-4o style words, which end before a capital that follows a small letter. As llama.cpp has them: only ASCII letters are capital or small, every other
 * one is both, and a combining mark is no part of a word. The expression of the models' own tokenizer.json cuts otherwise there.
 */
function gpt4oWords(digits: string, contractions: string): string {
  const notSmall = String.raw`(?![a-z])\p{L}`;
  const notCapital = String.raw`(?![A-Z])\p{L}`;
  return (
    String.raw`[^\r\n\p{L}\p{N}]?(?:${notSmall})*(?:${notCapital})+${contractions}` +
    String.raw`|[^\r\n\p{L}\p{N}]?(?:${notSmall})+(?:${notCapital})*${contractions}` +
    String.raw`|${digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${WHITESPACE}`
  );
}

/** Letters with case as DeepSeek's first tokenizer lists them: those of an older Unicode, without Armenian's small and Georgian's plain ones. */
const DEEPSEEK_LETTERS =
  String.raw`A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d` +
  String.raw`\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5` +
  String.raw`\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d` +
  String.raw`\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb` +
  String.raw`\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134` +
  String.raw`\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b` +
  String.raw`\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\u{10400}-\u{1044f}` +
  String.raw`\u{104b0}-\u{104d3}\u{104d8}-\u{104fb}\u{10c80}-\u{10cb2}\u{10cc0}-\u{10cf2}\u{118a0}-\u{118df}\u{1e900}-\u{1e943}`;
/** Ideographs, Hangul and all scripts from U+0800 between them; spaces there are spaces first. */
const DEEPSEEK_EAST_ASIAN = String.raw`(?:(?!\s)[\u0800-\u9fa5\uac00-\ud7ff])+`;
/** ASCII punctuation and symbols, their full width, quotation marks, and two of CJK; the ideographic space beside these is a space first. */
const DEEPSEEK_PUNCTUATION = String.raw`!-\/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001\u3002`;

/** Ideographs as Kimi's tokenizer counts them: unified and compatibility, to extension F. */
const HAN = String.raw`\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2ebef}\u{2f800}-\u{2fa1f}`;

/**
 * The same words as llama.cpp's `llm_tokenizer_bpe` cuts for these names (0.5.0; `tests/engine/pre-tokenizers.test.ts` asks it). Its tables are
 * Unicode 15.1: a letter that is newer may be one here only. Names of encoders, which end a text with a token of their own, are left out.
 */
export const PRE_TOKENIZERS = [
  {
    names: ['qwen2', 'deepseek-r1-qwen', 'megrez', 'kormo', 'f2llmv2', 'stablelm2', 'hunyuan', 'solar-open', 'grok-2'],
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
    names: ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'],
    regexes: [gpt4Words(UP_TO_THREE_DIGITS)],
    ignoreMerges: true,
    addBos: true,
  },
  {
    names: ['glm4', 'chatglm-bpe', 'dbrx', 'smaug-bpe'],
    regexes: [gpt4Words(UP_TO_THREE_DIGITS)],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['gpt-4o', 'minimax-m2', 'llama4', 'kanana2', 'talkie'],
    regexes: [gpt4oWords(UP_TO_THREE_DIGITS, `${CONTRACTIONS}?`)],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['tekken'],
    regexes: [gpt4oWords(String.raw`\p{N}`, '')],
    ignoreMerges: true,
    addBos: true,
  },
  {
    names: ['kimi-k2'],
    regexes: [
      String.raw`[${HAN}]+|[^\r\n\p{L}\p{N}]?(?:(?![${HAN}])\p{L})+${CONTRACTIONS}?` +
        String.raw`|${UP_TO_THREE_DIGITS}| ?[^\s\p{L}\p{N}]+[\r\n]*|${WHITESPACE}`,
    ],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['deepseek-llm'],
    regexes: [
      String.raw`[\r\n]`,
      String.raw`\s?[${DEEPSEEK_LETTERS}]+`,
      String.raw`\s?[${DEEPSEEK_PUNCTUATION}]+`,
      // The look behind changes no match: without it a long run of spaces that does not end the text is tried from each of them.
      String.raw`(?<!\s)\s+$`,
      DEEPSEEK_EAST_ASIAN,
      String.raw`\p{N}+`,
    ],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['deepseek-coder'],
    regexes: [String.raw`[\r\n]`, String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, DEEPSEEK_EAST_ASIAN, String.raw`\p{N}`],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['deepseek-v3', 'hunyuan-dense', 'joyai-llm', 'hy_v4'],
    regexes: [
      UP_TO_THREE_DIGITS,
      String.raw`[\u4e00-\u9fa5\u3040-\u30ff]+`,
      String.raw`[!-\/:-@\[-\x60\{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${WHITESPACE}`,
    ],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: [
      ...['gpt-2', 'olmo', 'phi-2', 'mpt', 'jais', 'gigachat', 'a.x-4.0', 'mellum', 'exaone4', 'trillion'],
      'granite-docling',
    ],
    regexes: [GPT2],
    ignoreMerges: false,
    addBos: false,
  },
  {
    names: ['starcoder', 'refact', 'smollm', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
    regexes: [String.raw`\p{N}`, GPT2],
    ignoreMerges: false,
    addBos: false,
  },
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
