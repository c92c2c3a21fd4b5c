import { fail } from '../base/errors';
import type { GgufValue } from '../gguf/model-file';
import { chatJob, type ChatMessage } from '../tokenizer/chat-job';
import type { RenderChat } from '../tokenizer/template-thread/renderer';
import type { Tokenizer } from '../tokenizer/tokenizer';

/**
 * Token ids of a prompt. Raw text is taken as written, control tokens in it (`<|im_start|>`) parsed, with the begin-of-text token in
 * front where the file asks for one. With `chat` it is one user turn of the file's chat template, ready for the answer; a
 * begin-of-text token that the template writes is not doubled.
 * @param render how the template is rendered; undefined where the text is taken as it is
 * @throws TracerError `tokenizer-malformed`, `chat-template`, `prompt-empty`, `run-cancelled`
 */
export async function promptTokens(
  tokenizer: Tokenizer,
  metadata: ReadonlyMap<string, GgufValue>,
  text: string,
  render: RenderChat | undefined,
  signal?: AbortSignal,
): Promise<readonly number[]> {
  const written = render === undefined ? text : await render(chatJob(metadata, oneTurn(text), ANSWER_NEXT), signal);
  const ids = tokenizer.encode(written, { parseSpecial: true });
  if (ids.length === 0) {
    throw fail('prompt-empty', 'The prompt has no tokens.', 'Type a prompt, or give token ids.', { nTokens: 0 });
  }
  const { bosId, addBos } = tokenizer;
  return addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids;
}

const ANSWER_NEXT = { addGenerationPrompt: true };

function oneTurn(content: string): readonly ChatMessage[] {
  return [{ role: 'user', content }];
}
