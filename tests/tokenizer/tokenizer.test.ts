import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { PRE_TOKENIZERS } from '../../src/tokenizer/pre-tokenizers';
import { wordSplitter } from '../../src/tokenizer/split-words';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { TOKEN_TYPE } from '../../src/tokenizer/vocabulary';
import { QWEN2_VOCAB, readMetadata } from './metadata';
import { smallMetadata } from './small-vocabulary';

const PLAIN = { parseSpecial: false };
const SPECIAL = { parseSpecial: true };

function errorOf(action: () => unknown): TracerError {
  try {
    action();
  } catch (error) {
    if (error instanceof TracerError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const qwen2Metadata = await readMetadata(QWEN2_VOCAB);

describe('round trips', () => {
  const small = createTokenizer(smallMetadata());
  const qwen2 = createTokenizer(qwen2Metadata);

  it.each([
    ['a vocabulary of bytes', small],
    ['qwen2', qwen2],
  ])('decode(encode(text)) is the text for %s', (_, tokenizer) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, parseSpecial) => {
        expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial }))).toBe(text);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('the bytes of tokens, read as a stream, are the text too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const stream = new TextDecoder('utf-8', { ignoreBOM: true });
        const pieces = qwen2.encode(text, PLAIN).map((id) => stream.decode(qwen2.tokenBytes(id), { stream: true }));
        expect(pieces.join('') + stream.decode()).toBe(text);
      }),
      { seed: 8, numRuns: 200 },
    );
    expect([...small.tokenBytes(0xe4)]).toEqual([0xe4]);
    expect(small.tokenBytes(100_000)).toHaveLength(0);
  });

  it('keeps a byte order mark, NUL and a no-break space', () => {
    const text = '\ufeffa\u0000\u00a0b\u0085c';
    expect(small.decode(small.encode(text, PLAIN))).toBe(text);
  });

  it('counts an unpaired surrogate as U+FFFD', () => {
    expect(small.decode(small.encode('a\ud800b', PLAIN))).toBe('a\ufffdb');
  });

  it('the empty text has no tokens', () => {
    expect(small.encode('', SPECIAL)).toEqual([]);
    expect(small.decode([])).toBe('');
  });
});

describe('special tokens', () => {
  const specials = [
    ['<a>', TOKEN_TYPE.control],
    ['<b>', TOKEN_TYPE.userDefined],
    ['bcd', TOKEN_TYPE.userDefined],
    ['ab', TOKEN_TYPE.userDefined],
    ['<|fim_prefix|>', TOKEN_TYPE.userDefined],
  ] as const;
  const tokenizer = createTokenizer(smallMetadata({ merges: ['h e'], specials }));
  const first = 257;

  it('control tokens are text unless special tokens are parsed; user-defined ones are always found', () => {
    expect(tokenizer.encode('<a><b>', SPECIAL)).toEqual([first, first + 1]);
    expect(tokenizer.encode('<a><b>', PLAIN)).toEqual([60, 97, 62, first + 1]);
  });

  it('the longest token wins over the leftmost', () => {
    expect(tokenizer.encode('abcd', PLAIN)).toEqual([97, first + 2]);
    expect(tokenizer.encode('abc', PLAIN)).toEqual([first + 3, 99]);
  });

  it('a fill-in-the-middle mark is a control token whatever its type', () => {
    expect(tokenizer.encode('<|fim_prefix|>', SPECIAL)).toEqual([first + 4]);
    expect(tokenizer.encode('<|fim_prefix|>', PLAIN).length).toBe('<|fim_prefix|>'.length);
  });

  it('merging does not cross a special token', () => {
    expect(tokenizer.encode('he', PLAIN)).toEqual([256]);
    expect(tokenizer.encode('h<a>e', SPECIAL)).toEqual([104, first, 101]);
  });
});

describe('token text', () => {
  const tokenizer = createTokenizer(smallMetadata());

  it('shows text, lone bytes and ids outside the vocabulary', () => {
    expect(tokenizer.tokenText(256)).toBe('he');
    expect(tokenizer.tokenText(0x20)).toBe(' ');
    expect(tokenizer.tokenText(0xe4)).toBe('<E4>');
    expect(tokenizer.tokenText(257)).toBe('<|im_end|>');
    expect(tokenizer.tokenText(258)).toBe('<258>');
    expect(tokenizer.tokenText(-1)).toBe('<-1>');
  });

  it('a special token outside ASCII is its own text', () => {
    const deepSeek = createTokenizer(smallMetadata({ specials: [['<｜User｜>', TOKEN_TYPE.control]] }));
    expect(deepSeek.tokenText(257)).toBe('<｜User｜>');
    expect(deepSeek.decode([257])).toBe('<｜User｜>');
  });

  it('decode refuses an id outside the vocabulary', () => {
    const error = errorOf(() => tokenizer.decode([1, 258]));
    expect(error.code).toBe('prompt-token');
    expect(error.detail).toEqual({ actual: 258, limit: 257 });
  });
});

describe('names and ids', () => {
  it('takes bos, eos and add_bos from the file', () => {
    const changes = {
      'tokenizer.ggml.bos_token_id': 257,
      'tokenizer.ggml.eos_token_id': 3,
      'tokenizer.ggml.add_bos_token': true,
    };
    const tokenizer = createTokenizer(smallMetadata({}, changes));
    expect([tokenizer.bosId, tokenizer.eosId, tokenizer.addBos]).toEqual([257, 3, true]);
    const silent = createTokenizer(smallMetadata());
    expect([silent.bosId, silent.eosId, silent.addBos]).toEqual([undefined, undefined, false]);
  });

  it.each([258, 2 ** 32 - 1, 2n ** 63n, -1])('an id outside the vocabulary is none: %s', (id) => {
    const tokenizer = createTokenizer(
      smallMetadata({}, { 'tokenizer.ggml.bos_token_id': id, 'tokenizer.ggml.eos_token_id': id }),
    );
    expect([tokenizer.bosId, tokenizer.eosId]).toEqual([undefined, undefined]);
  });

  it.each([Uint8Array, Int16Array, BigInt64Array])('token types are whole numbers of any width: %o', (Numbers) => {
    const usual = smallMetadata({ merges: ['h e'], specials: [['<x>', TOKEN_TYPE.control]] });
    const types = usual.get('tokenizer.ggml.token_type') as Int32Array;
    const other =
      Numbers === BigInt64Array ? BigInt64Array.from(types, BigInt) : (Numbers as typeof Uint8Array).from(types);
    const tokenizer = createTokenizer(new Map([...usual, ['tokenizer.ggml.token_type', other]]));
    const parsed = { parseSpecial: true, addSpecial: false };
    expect(tokenizer.encode('he<x>', parsed)).toEqual(createTokenizer(usual).encode('he<x>', parsed));
  });

  it('a token named __proto__ is a token', () => {
    const merges = ['_ _', '__ p', '__p r', '__pr o', '__pro t', '__prot o', '__proto __'];
    const tokenizer = createTokenizer(smallMetadata({ merges }, { 'tokenizer.ggml.pre': 'gpt-2' }));
    const id = tokenizer.encode('_', PLAIN)[0];
    expect(id).toBe(95);
    expect(tokenizer.decode(tokenizer.encode('__proto__', PLAIN))).toBe('__proto__');
    expect(tokenizer.tokenText(256 + 6)).toBe('__proto__');
  });
});

describe('what cannot be used is refused by name', () => {
  const known = PRE_TOKENIZERS.flatMap((p) => p.names);

  it('an unknown pre-tokenizer', () => {
    const error = errorOf(() => createTokenizer(smallMetadata({}, { 'tokenizer.ggml.pre': 'bloom' })));
    expect(error.code).toBe('tokenizer-unsupported');
    expect(error.message).toContain('bloom');
    for (const name of known) expect(error.remedy).toContain(name);
  });

  it('another kind of tokenizer', () => {
    const error = errorOf(() => createTokenizer(smallMetadata({}, { 'tokenizer.ggml.model': 'bert' })));
    expect(error.code).toBe('tokenizer-unsupported');
    expect(error.message).toContain('bert');
    expect(error.remedy).toContain('gpt2');
  });

  it.each([
    ['tokenizer.ggml.model', undefined],
    ['tokenizer.ggml.model', 3],
    ['tokenizer.ggml.pre', undefined],
    ['tokenizer.ggml.tokens', undefined],
    ['tokenizer.ggml.tokens', []],
    ['tokenizer.ggml.tokens', Int32Array.of(1)],
    ['tokenizer.ggml.token_type', Int32Array.of(1, 1)],
    ['tokenizer.ggml.token_type', new Float32Array(258)],
    ['tokenizer.ggml.merges', undefined],
    ['tokenizer.ggml.merges', ['he']],
    ['tokenizer.ggml.merges', ['h ']],
    ['tokenizer.ggml.bos_token_id', 'one'],
    ['tokenizer.ggml.eos_token_id', 0.5],
    ['tokenizer.ggml.add_bos_token', 'yes'],
  ])('%s = %s', (key, value) => {
    const error = errorOf(() => createTokenizer(smallMetadata({}, { [key]: value })));
    expect(error.code).toBe('tokenizer-malformed');
    expect(error.detail['key']).toBe(key);
    expect(error.message).toContain(key);
  });

  it('two tokens with one text', () => {
    const error = errorOf(() =>
      createTokenizer(smallMetadata({ merges: ['h e'], specials: [['he', TOKEN_TYPE.userDefined]] })),
    );
    expect(error.code).toBe('tokenizer-malformed');
    expect(error.message).toContain('as 256 and 257');
  });

  it('of two equal merges the first counts', () => {
    const once = createTokenizer(smallMetadata({ merges: ['a b', 'b c'] }));
    const twice = createTokenizer(smallMetadata({ merges: ['a b', 'b c', 'a b'] }));
    expect(once.encode('abc', PLAIN)).toEqual([256, 99]);
    expect(twice.encode('abc', PLAIN)).toEqual([256, 99]);
  });

  it('text that the vocabulary cannot hold is an error, not a shorter prompt', () => {
    const metadata = smallMetadata({}, { 'tokenizer.ggml.tokens': ['a', 'b'], 'tokenizer.ggml.token_type': undefined });
    const tokenizer = createTokenizer(metadata);
    expect(tokenizer.encode('ab', PLAIN)).toEqual([0, 1]);
    expect(errorOf(() => tokenizer.encode('abc', PLAIN)).code).toBe('tokenizer-malformed');
  });
});

describe('the pre-tokenizers cut words', () => {
  /** All words of up to three of these characters are tokens, however they are merged. */
  const letters = ['a', 'b', "'", 'S', '1', '2', '3', '4', 'Ġ', '!', 'Ċ'];
  const pairs = letters.flatMap((left) => letters.map((right) => `${left}${right}`));
  const merges = [
    ...letters.flatMap((left) => letters.map((right) => `${left} ${right}`)),
    ...pairs.flatMap((pair) => letters.flatMap((letter) => [`${pair} ${letter}`, `${letter} ${pair}`])),
  ];
  const words = (pre: string, text: string): string[] => {
    const tokenizer = createTokenizer(smallMetadata({ merges }, { 'tokenizer.ggml.pre': pre }));
    return tokenizer.encode(text, PLAIN).map((id) => tokenizer.tokenText(id));
  };

  it.each([
    ['qwen2', "ab'S 12 !\n b", ['ab', "'S", ' ', '1', '2', ' !\n', ' b']],
    ['qwen35', "ab'S 12 !\n b", ['ab', "'S", ' ', '1', '2', ' !\n', ' b']],
    ['llama-bpe', "ab'S 1234 !\n b", ['ab', "'S", ' ', '123', '4', ' !\n', ' b']],
    ['glm4', "ab'S 1234 !\n b", ['ab', "'S", ' ', '123', '4', ' !\n', ' b']],
    ['gpt-4o', "a'S aSb 1234 !\n b", ["a'S", ' a', 'Sb', ' ', '123', '4', ' !\n', ' b']],
    ['minimax-m2', "a'S aSb 1234 !\n b", ["a'S", ' a', 'Sb', ' ', '123', '4', ' !\n', ' b']],
    ['tekken', "a'S aSb 12 !\n b", ['a', "'S", ' a', 'Sb', ' ', '1', '2', ' !\n', ' b']],
    ['kimi-k2', "a'S aS 1234 !\n b", ["a'S", ' aS', ' ', '123', '4', ' !\n', ' b']],
    ['deepseek-llm', "ab'S 12 !\n b", ['ab', "'", 'S', ' ', '12', ' !', '\n', ' b']],
    ['deepseek-coder', "ab'S 12 !\n b", ['ab', "'", 'S', ' ', '1', '2', ' !', '\n', ' b']],
    ['deepseek-v3', "ab'S 1234 !\n b", ['ab', "'S", ' ', '123', '4', ' !\n', ' b']],
    ['gpt-2', "ab'S 12 !\n b", ['ab', "'", 'S', ' 12', ' !', '\n', ' b']],
    ['olmo', "ab'S 12 !\n b", ['ab', "'", 'S', ' 12', ' !', '\n', ' b']],
    ['smollm', "ab'S 12 !\n b", ['ab', "'", 'S', ' ', '1', '2', ' !', '\n', ' b']],
    ['refact', "ab'S 12 !\n b", ['ab', "'", 'S', ' ', '1', '2', ' !', '\n', ' b']],
  ])('%s', (pre, text, expected) => {
    expect(words(pre, text)).toEqual(expected);
  });

  it("a space is Unicode's White_Space, with U+0085 and without U+FEFF", () => {
    expect(wordSplitter([String.raw`\s+`])('a\u0085\u3000b\ufeffc')).toEqual(['a', '\u0085\u3000', 'b\ufeffc']);
  });

  const MEGABYTE = 1 << 20;
  const long: readonly (readonly [string, string])[] = [
    ['spaces before a digit', `${' '.repeat(MEGABYTE)}1`],
    ['lines of spaces', `${' '.repeat(999)}\n`.repeat(1024)],
    ['capitals', 'A'.repeat(MEGABYTE)],
    ['camel case', 'aA'.repeat(MEGABYTE / 2)],
    ['letters that are both', `${'\u00e9'.repeat(MEGABYTE)}1`],
    ['digits', '1'.repeat(MEGABYTE)],
    ['apostrophes', "'".repeat(MEGABYTE)],
    ['combining marks', '\u0301'.repeat(MEGABYTE)],
    ['ideographs', '\u4e2d'.repeat(MEGABYTE)],
  ];
  it.each(PRE_TOKENIZERS.map(({ names, regexes }) => [names[0], regexes] as const))(
    '%s: a million characters of anything take less than two seconds of processor time',
    (_, regexes) => {
      for (const [what, text] of long) {
        const start = process.cpuUsage();
        const found = wordSplitter(regexes)(text);
        const { user, system } = process.cpuUsage(start);
        expect(found.reduce((sum, word) => sum + word.length, 0)).toBe(text.length);
        expect((user + system) / 1e6, what).toBeLessThan(2);
      }
    },
  );
});
