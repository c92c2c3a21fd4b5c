import { fail } from '../base/errors';
import { yielder } from '../base/yielder';
import type { GgufValue } from '../gguf/model-file';
import { chatJob, type ChatMessage } from '../tokenizer/chat-job';
import type { RenderChat } from '../tokenizer/template-thread/renderer';
import type { Tokenizer } from '../tokenizer/tokenizer';

/**
 * Token ids of a prompt. Raw text is taken as written, control tokens in it (`<|im_start|>`) parsed, with the begin-of-text token in
 * front where the file asks for one. With `chat` it is one user turn of the file's chat template, ready for the answer; a
 * begin-of-text token that the template writes is not doubled.
 * @param render how the template is rendered; undefined where the text is taken as it is
 * @throws TracerError `tokenizer-malformed`, `chat-template`, `prompt-empty`, `prompt-length`, `run-cancelled`
 */
export async function promptTokens(
  tokenizer: Tokenizer,
  metadata: ReadonlyMap<string, GgufValue>,
  text: string,
  render: RenderChat | undefined,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  checkLength(text);
  const written = render === undefined ? text : await render(chatJob(metadata, oneTurn(text), ANSWER_NEXT), signal);
  if (render !== undefined) checkLength(written);
  const ids: number[] = [];
  const pause = yielder(signal);
  for (const some of tokenizer.encodeInSteps(written, { parseSpecial: true })) {
    ids.push(...some);
    if (pause.due()) await pause.yieldToEventLoop();
  }
  if (ids.length === 0) {
    throw fail('prompt-empty', 'The prompt has no tokens.', 'Type a prompt, or give token ids.', { nTokens: 0 });
  }
  const { bosId, addBos } = tokenizer;
  return addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids;
}

/**
 * Characters of a prompt: some 250,000 tokens of English text, more than any model of today takes. A longer one would be tokenised for minutes before the plan of
 * the run could refuse it.
 */
export const MOST_PROMPT_CHARACTERS = 2 ** 20;

/** Before anything is tokenised. @throws TracerError `prompt-length` */
function checkLength(text: string): void {
  if (text.length <= MOST_PROMPT_CHARACTERS) return;
  throw fail(
    'prompt-length',
    `The prompt has ${text.length} characters; at most ${MOST_PROMPT_CHARACTERS} are tokenised.`,
    'Shorten it, or give token ids.',
    { characters: text.length, limit: MOST_PROMPT_CHARACTERS },
  );
}

const ANSWER_NEXT = { addGenerationPrompt: true };

function oneTurn(content: string): readonly ChatMessage[] {
  return [{ role: 'user', content }];
}
