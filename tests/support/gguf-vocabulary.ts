import type { TypedValue } from '../../src/gguf/writer';

/** llama.cpp token types. */
const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/**
 * A small valid byte-level BPE vocabulary of exactly `nVocab` tokens: the 256 bytes, merges of common English pairs, the special tokens of
 * Qwen, then unused ones. Below 259 tokens it is cut short (token ids still work, not every text does).
 */
export function tokenizerMetadata(nVocab: number): readonly (readonly [string, TypedValue])[] {
  const room = Math.max(0, nVocab - BYTE_CHARACTERS.length - SPECIAL.length);
  const merges = MERGES.slice(0, room);
  const tokens = [...BYTE_CHARACTERS, ...merges.map(([a, b]) => a + b), ...SPECIAL].slice(0, nVocab);
  while (tokens.length < nVocab) tokens.push(`[PAD${tokens.length}]`);
  const typeOf = (token: string): number => {
    if (SPECIAL.includes(token)) return CONTROL;
    return token.startsWith('[PAD') ? UNUSED : NORMAL;
  };
  const eos = Math.max(0, tokens.indexOf('<|im_end|>'));
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'qwen2' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', value: tokens.map(typeOf) }],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: merges.map(([a, b]) => `${a} ${b}`) }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: eos }],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: false }],
    ['tokenizer.chat_template', { type: 'string', value: CHAT_TEMPLATE }],
  ];
}

/** GPT-2's printable stand-ins for the 256 bytes, in byte order. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : next++);
  });
})();

/** Pairs in rank order; each part is a byte or an earlier merge. `Ġ` is the space. */
const MERGES: readonly (readonly [string, string])[] = [
  ['Ġ', 't'],
  ['h', 'e'],
  ['i', 'n'],
  ['Ġt', 'he'],
  ['Ġ', 'a'],
  ['e', 'r'],
  ['o', 'n'],
  ['r', 'e'],
  ['a', 't'],
  ['Ġ', 's'],
  ['n', 'd'],
  ['Ġa', 'nd'],
  ['l', 'l'],
  ['o', 'u'],
  ['in', 'g'],
];
