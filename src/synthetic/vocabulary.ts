import { seededRandom, type Random } from '../base/random';
import type { TypedValue } from '../gguf/writer';

/** llama.cpp token types. */
const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

const END_OF_TEXT = '<|endoftext|>';
const TURN_END = '<|im_end|>';
const SPECIAL: readonly string[] = [END_OF_TEXT, '<|im_start|>', TURN_END];

/** ChatML, as Qwen writes it, without tools or thinking. */
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/**
 * A valid byte-level BPE vocabulary of exactly `nVocab` tokens: the 256 bytes, merges of common English pairs, seeded merges of two to
 * four letters, and Qwen's special tokens at the end. Below 260 tokens it is cut short (token ids work, text does not); beyond
 * what letters offer (some 475,000) the rest is unused.
 */
export function tokenizerMetadata(nVocab: number, seed = 1): readonly (readonly [string, TypedValue])[] {
  const merges = takeMerges(Math.max(0, nVocab - BYTE_CHARACTERS.length - SPECIAL.length), seededRandom(seed));
  const used = [...BYTE_CHARACTERS, ...merges.map(([a, b]) => a + b), ...SPECIAL];
  const padding = Array.from({ length: Math.max(0, nVocab - used.length) }, (_, i) => `[PAD${used.length + i}]`);
  const tokens = [...used, ...padding].slice(0, nVocab);
  const typeOf = (token: string, id: number): number => {
    if (id >= used.length) return UNUSED;
    return SPECIAL.includes(token) ? CONTROL : NORMAL;
  };
  const idOf = (token: string): number => Math.max(0, tokens.indexOf(token));
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'qwen2' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', value: tokens.map(typeOf) }],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: merges.map(([a, b]) => `${a} ${b}`) }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: idOf(TURN_END) }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: idOf(END_OF_TEXT) }],
    ['tokenizer.ggml.padding_token_id', { type: 'uint32', value: idOf(END_OF_TEXT) }],
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

type Pair = readonly [string, string];

/** The first `count` merges in rank order, no two with the same result; each part is a byte or an earlier result. */
function takeMerges(count: number, random: Random): readonly Pair[] {
  const merges = new Map<string, Pair>();
  for (const pair of allMerges(random)) {
    if (merges.size >= count) break;
    const result = pair[0] + pair[1];
    if (!merges.has(result)) merges.set(result, pair);
  }
  return [...merges.values()];
}

function* allMerges(random: Random): Generator<Pair> {
  yield* ENGLISH;
  const n = LETTERS.length;
  const letter = (i: number): string => LETTERS.charAt(i % n);
  const letters = (i: number): string => letter(Math.floor(i / n)) + letter(i);
  for (const i of shuffled(n * n, random)) yield [letter(Math.floor(i / n)), letter(i)];
  for (const i of shuffled(n, random)) yield [SPACE, letter(i)];
  for (const i of shuffled(n * n, random)) yield [SPACE, letters(i)];
  for (const i of shuffled(n ** 3, random)) yield [letters(Math.floor(i / n)), letter(i)];
  for (const i of shuffled(n ** 4, random)) yield [letters(Math.floor(i / (n * n))), letters(i % (n * n))];
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** The byte-level alphabet's blank. */
const SPACE = 'Ġ';

/** 0 to n-1, each once, in a seeded order: steps that share no factor with n. */
function* shuffled(n: number, random: Random): Generator<number> {
  const isCoprime = (a: number, b: number): boolean => (b === 0 ? a === 1 : isCoprime(b, a % b));
  let step = 1 + random.below(n - 1);
  while (!isCoprime(n, step)) step = (step % n) + 1;
  let at = random.below(n);
  for (let i = 0; i < n; i++) {
    yield at;
    at = (at + step) % n;
  }
}

/** Common pairs in rank order, so that English text comes out shorter than its letters. */
const ENGLISH: readonly Pair[] = [
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
