import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { GgufValue } from '../../src/gguf/model-file';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { TOKEN_TYPE } from '../../src/tokenizer/vocabulary';

interface Golden {
  /** Texts of ids from 259 on, and of the special ones: every piece of the vocabulary that some item holds. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly items: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../golden/tokenizer/llama-spm.json', import.meta.url), 'utf8'),
) as Golden;

const N_VOCAB = 32_000;
/** `<unk>`, `<s>`, `</s>`, then 256 bytes. */
const FIRST_BYTE = 3;
const FIRST_PIECE = FIRST_BYTE + 256;

const hex = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;

/** The score of a piece is its rank; spaces alone come last. */
const scoreOf = (id: number): number => {
  if (id < FIRST_PIECE) return 0;
  return /^\u2581{2,}$/.test(golden.tokens[String(id)] ?? '') ? -1e9 : FIRST_PIECE - id;
};

/** The vocabulary of Llama and Mixtral as converters write it. */
function metadataOf(changes: Readonly<Record<string, GgufValue | undefined>> = {}): ReadonlyMap<string, GgufValue> {
  const isByte = (id: number): boolean => id >= FIRST_BYTE && id < FIRST_PIECE;
  const ids = Array.from({ length: N_VOCAB }, (_, id) => id);
  const all: Record<string, GgufValue | undefined> = {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.pre': 'default',
    'tokenizer.ggml.tokens': ids.map((id) =>
      isByte(id) ? hex(id - FIRST_BYTE) : (golden.tokens[String(id)] ?? `[unused ${String(id)}]`),
    ),
    'tokenizer.ggml.scores': Float32Array.from(ids, scoreOf),
    'tokenizer.ggml.token_type': Int32Array.from(ids, (id) => {
      if (isByte(id)) return TOKEN_TYPE.byte;
      if (id < FIRST_BYTE) return id === 0 ? TOKEN_TYPE.unknown : TOKEN_TYPE.control;
      return String(id) in golden.tokens ? TOKEN_TYPE.normal : TOKEN_TYPE.unused;
    }),
    'tokenizer.ggml.bos_token_id': 1,
    'tokenizer.ggml.eos_token_id': 2,
    ...changes,
  };
  return new Map(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

describe("ids of Llama's SentencePiece vocabulary equal llama.cpp's published ones", () => {
  const tokenizer = createTokenizer(metadataOf());

  it('has all 54 strings', () => {
    expect(golden.items).toHaveLength(54);
    expect(tokenizer).toMatchObject({ vocabSize: N_VOCAB, bosId: 1, eosId: 2, addBos: true });
  });

  it.each(golden.items)('$text', ({ text, ids }) => {
    expect(tokenizer.encode(text, { parseSpecial: true })).toEqual(ids);
    // A space is put before each text, behind special tokens too; only the first is taken away.
    if (!text.includes('</s>')) expect(tokenizer.decode(ids)).toBe(text);
    const pieces = ids.map((id) => tokenizer.tokenBytes(id).length);
    if (!text.includes('</s>') && text !== '')
      expect(pieces.reduce((a, b) => a + b)).toBe(1 + new TextEncoder().encode(text).length);
  });

  it('leaves special tokens in a text as they are written unless it is asked to parse them', () => {
    expect(tokenizer.encode('a</s>b', { parseSpecial: false })).not.toContain(2);
    expect(tokenizer.decode(tokenizer.encode('a</s>b', { parseSpecial: false }))).toBe('a</s>b');
  });

  it('labels pieces with spaces, and bytes', () => {
    expect([3186, 29871, 13, 243].map((id) => tokenizer.tokenText(id))).toEqual([' world', ' ', '\n', '<F0>']);
  });

  it('takes text that looks like a byte, or holds what pieces have for a space, as text', () => {
    const text = '<0x41>\u2581x';
    expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial: true }))).toBe('<0x41> x');
  });

  it('cuts a long text into words, with the ids of the whole', () => {
    const text = 'Hello, world! this is a long text \n'.repeat(3000);
    const steps = [...tokenizer.encodeInSteps(text, { parseSpecial: true })];
    expect(steps.length).toBeGreaterThan(50);
    expect(tokenizer.decode(steps.flat())).toBe(text);
    expect(() => tokenizer.encode('x'.repeat(2 ** 16 + 1), { parseSpecial: true })).toThrow(
      expect.objectContaining({ code: 'prompt-length' }),
    );
  });
});

describe('what a file says of its pieces', () => {
  const encode = (changes: Readonly<Record<string, GgufValue | undefined>>, text: string): number[] =>
    createTokenizer(metadataOf(changes)).encode(text, { parseSpecial: true });

  it('without a space before a text', () => {
    const changes = { 'tokenizer.ggml.add_space_prefix': false };
    expect(encode(changes, ' ghi')).toEqual([330, 2918]);
    expect(encode(changes, '<0x41>').length).toBeGreaterThan(1);
    const tokenizer = createTokenizer(metadataOf(changes));
    expect(tokenizer.decode([330, 2918])).toBe(' ghi');
  });

  it('without its first token before a text', () => {
    expect(createTokenizer(metadataOf({ 'tokenizer.ggml.add_bos_token': false })).addBos).toBe(false);
  });

  it('the highest score is merged first, and of equals the leftmost', () => {
    const tokens = ['<unk>', 'a', 'b', 'ab', 'ba', 'aba'];
    const types = Int32Array.from([2, 1, 1, 1, 1, 1]);
    const own = (scores: readonly number[]) => ({
      'tokenizer.ggml.tokens': tokens,
      'tokenizer.ggml.token_type': types,
      'tokenizer.ggml.scores': Float32Array.from(scores),
      'tokenizer.ggml.add_space_prefix': false,
    });
    expect(encode(own([0, 0, 0, 1, 2, -9]), 'aba')).toEqual([5]);
    expect(encode(own([0, 0, 0, 1, 2, -9]), 'abab')).toEqual([5, 2]);
    expect(encode(own([0, 0, 0, 2, 1, -9]), 'abab')).toEqual([3, 3]);
    expect(encode(own([0, 0, 0, 1, 1, -9]), 'bab')).toEqual([4, 2]);
    expect(encode(own([0, 0, 0, 1, 1, -9]), 'babab')).toEqual([4, 4, 2]);
  });

  it('a character that is no piece, and has no bytes either, is refused', () => {
    const changes = {
      'tokenizer.ggml.tokens': ['<unk>', 'a', '\u2581'],
      'tokenizer.ggml.token_type': Int32Array.from([2, 1, 1]),
      'tokenizer.ggml.scores': new Float32Array(3),
    };
    expect(encode(changes, 'a')).toEqual([2, 1]);
    expect(() => encode(changes, 'z')).toThrow(expect.objectContaining({ code: 'tokenizer-malformed' }));
  });

  it.each([
    ['tokenizer.ggml.scores', undefined, /is missing/],
    ['tokenizer.ggml.scores', new Float32Array(3), /has 3 entries/],
    ['tokenizer.ggml.scores', ['a'], /expected an array of f32/],
    ['tokenizer.ggml.add_space_prefix', 1, /expected a bool/],
  ])('%s is checked: %j', (key, value, message) => {
    expect(() => createTokenizer(metadataOf({ [key]: value }))).toThrow(message);
  });

  it('a piece that reaches over the end of a word keeps a text whole', () => {
    const changes = {
      'tokenizer.ggml.tokens': ['<unk>', 'a', 'b', '\u2581', 'a\u2581', 'a\u2581b'],
      'tokenizer.ggml.token_type': Int32Array.from([2, 1, 1, 1, 1, 1]),
      'tokenizer.ggml.scores': Float32Array.from([0, 0, 0, 0, 2, 1]),
    };
    expect(encode(changes, 'a b')).toEqual([3, 5]);
  });
});
