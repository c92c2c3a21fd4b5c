import { afterEach, describe, expect, it, vi } from 'vitest';
import { MOST_PROMPT_CHARACTERS, promptTokens } from '../../src/session/prompt-tokens';
import { createTokenizer, MOST_OF_WORD, type Tokenizer } from '../../src/tokenizer/tokenizer';
import { smallMetadata } from '../tokenizer/small-vocabulary';

const METADATA = new Map();
const tokenizer = createTokenizer(smallMetadata());
const tokensOf = (text: string, signal?: AbortSignal, used: Tokenizer = tokenizer): Promise<readonly number[]> =>
  promptTokens(used, METADATA, text, undefined, signal);

/** A clock on which every step lasts long enough, since a fast machine may take less than one stretch for all of them. */
function makeEveryStepLong(): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 1_000));
}

afterEach(() => vi.restoreAllMocks());

describe('a long prompt', () => {
  it('is refused before any of it is tokenised', async () => {
    const never: Tokenizer = {
      ...tokenizer,
      encodeInSteps: () => {
        throw new Error('it was tokenised');
      },
    };
    const tokens = tokensOf('x'.repeat(MOST_PROMPT_CHARACTERS + 1), undefined, never);
    await expect(tokens).rejects.toMatchObject({ code: 'prompt-length', detail: { limit: MOST_PROMPT_CHARACTERS } });
  });

  it('is refused when its template makes it too long', async () => {
    const render = (): Promise<string> => Promise.resolve('x'.repeat(MOST_PROMPT_CHARACTERS + 1));
    const tokens = promptTokens(tokenizer, new Map([['tokenizer.chat_template', 'x']]), 'a', render);
    await expect(tokens).rejects.toMatchObject({ code: 'prompt-length' });
  });

  it('is refused with a word that would hold up everything while it is merged', async () => {
    await expect(tokensOf('a '.repeat(9) + 'b'.repeat(MOST_OF_WORD + 1))).rejects.toMatchObject({
      code: 'prompt-length',
      detail: { limit: MOST_OF_WORD },
    });
  });

  it('gives the tokens of the whole text, and lets the event loop run meanwhile', async () => {
    const text = 'Hello, world! '.repeat(20_000);
    const steps = [...tokenizer.encodeInSteps(text, { parseSpecial: true })].length;
    expect(steps).toBeGreaterThan(10);
    makeEveryStepLong();
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    expect(await tokensOf(text)).toEqual(tokenizer.encode(text, { parseSpecial: true }));
    counting = false;
    expect(turns).toBeGreaterThanOrEqual(steps - 1);
  });

  it('ends in the middle when it is cancelled', async () => {
    const abort = new AbortController();
    const steps = [0];
    const counted: Tokenizer = {
      ...tokenizer,
      *encodeInSteps(text, options) {
        for (const step of tokenizer.encodeInSteps(text, options)) {
          steps.push(step.length);
          yield step;
        }
      },
    };
    const text = 'Hello, world! '.repeat(20_000);
    makeEveryStepLong();
    const tokens = tokensOf(text, abort.signal, counted);
    setTimeout(() => {
      abort.abort();
    }, 0);
    await expect(tokens).rejects.toMatchObject({ code: 'run-cancelled' });
    expect(steps.length).toBeLessThan([...tokenizer.encodeInSteps(text, { parseSpecial: true })].length);
  });
});
