import { TracerError } from '../../src/base/errors';
import { seededRandom, type Random } from '../../src/base/random';
import type { GgufValue } from '../../src/gguf/model-file';
import { createTokenizer } from '../../src/tokenizer/tokenizer';
import { renderChat } from '../../src/tokenizer/chat';
import { PRE_TOKENIZERS } from '../../src/tokenizer/pre-tokenizers';
import { smallMetadata } from '../../tests/tokenizer/small-vocabulary';
import { hostileValue, mutatedText } from './mutate';
import { oneIn, pick, type FuzzCase, type FuzzTarget } from './target';

const TEMPLATE =
  "{% for m in messages %}{{ '<|im_start|>' + m.role }}\n{{ m['content'] | trim }}{% if loop.last %}x{% endif %}{% endfor %}" +
  '{% set n = namespace(i=0) %}{% for i in range(3) %}{% for j in range(0, 9, 2) %}{{ i }}{% endfor %}{% endfor %}{% if not add_generation_prompt %}{{ raise_exception("no") }}{% endif %}';
const TEXTS: readonly string[] = ['hello he he', 'a  b\n\n c\t', '<|im_end|>', '\u00e9\u{1f600}\ud800', "it's 12345"];

function metadata(random: Random): ReadonlyMap<string, GgufValue> {
  const specials = [
    ['<|im_end|>', 3],
    ['<|x|>', 1 + random.below(7)],
  ] as const;
  const merges = Array.from({ length: random.below(6) }, () =>
    pick(random, ['h e', 'he l', 'l l', ' e', 'e e', 'h h']),
  );
  const all = new Map(smallMetadata({ merges: merges.map((m) => (m.startsWith(' ') ? 'a b' : m)), specials }));
  all.set(
    'tokenizer.ggml.pre',
    pick(
      random,
      PRE_TOKENIZERS.map(({ names }) => names[0]),
    ),
  );
  all.set('tokenizer.chat_template', TEMPLATE);
  for (let left = random.below(3); left > 0; left--) damage(random, all);
  return all;
}

function damage(random: Random, all: Map<string, GgufValue>): void {
  const key = pick(random, [...all.keys(), 'tokenizer.ggml.bos_token_id', 'tokenizer.ggml.add_bos_token']);
  const value = all.get(key);
  if (oneIn(random, 8)) all.delete(key);
  else if (Array.isArray(value) && value.length > 0) {
    const copy: GgufValue[] = [...value];
    copy[random.below(copy.length)] = oneIn(random, 4) ? 1 : mutatedText(random, String(pick(random, copy)));
    all.set(key, copy as GgufValue);
  } else if (value instanceof Int32Array) {
    const copy = value.slice(0, value.length - (oneIn(random, 6) ? 1 : 0));
    copy[random.below(copy.length)] = random.below(9) - 1;
    all.set(key, copy);
  } else if (typeof value === 'string' && oneIn(random, 2)) all.set(key, mutatedText(random, value));
  else {
    const hostile = hostileValue(random);
    if (['number', 'boolean', 'string'].includes(typeof hostile)) all.set(key, hostile as GgufValue);
  }
}

/** A text in and out again, and one turn of chat. */
function speak(all: ReadonlyMap<string, GgufValue>, text: string): void {
  attempt(() => {
    const tokenizer = createTokenizer(all);
    const ids = tokenizer.encode(text, { parseSpecial: true });
    const back = tokenizer.decode(ids);
    if (ids.some((id) => id >= tokenizer.vocabSize)) throw new Error('an id beyond the vocabulary');
    if (back.length > 16 * text.length + 1000) throw new Error('a text that grows');
    for (const id of [-1, 0, tokenizer.vocabSize, NaN]) tokenizer.tokenText(id);
  });
  attempt(() => renderChat(all, [{ role: 'user', content: text }], { addGenerationPrompt: true }));
}

/** Of two things that are tried, the first must not hide the second. */
function attempt(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof TracerError) || !/^(?:tokenizer-|chat-template$)/.test(error.code)) throw error;
  }
}

export const TOKENIZERS: FuzzTarget = {
  name: 'tokenizers and chat templates',
  // Merging keeps a node and a place in a queue for every byte of a word.
  allows: { buffers: [64, 64 * 1024], heap: [2048, 4 * 2 ** 20] },
  codes: [],
  make: (random): FuzzCase => {
    const start = seededRandom(random.uint32());
    const all = metadata(start);
    const text = mutatedText(start, pick(start, TEXTS)).repeat(oneIn(start, 10) ? 8 : 1);
    const size = text.length + [...all.values()].reduce((sum: number, v) => sum + String(v).length, 0);
    const input = `${JSON.stringify(text)} with ${JSON.stringify([...all])}`;
    return {
      how: 'metadata',
      size,
      input,
      read: () => {
        speak(all, text);
      },
    };
  },
};
