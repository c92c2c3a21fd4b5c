import { fail, reasonOf } from '../base/errors';
import { renderBounded } from './bounded-template';
import type { GgufValue } from '../gguf/model-file';

export interface ChatMessage {
  /** `system`, `user`, `assistant`, or what the template knows besides. */
  readonly role: string;
  readonly content: string;
}

export interface ChatOptions {
  /** End with the opening of the assistant's turn. */
  readonly addGenerationPrompt: boolean;
}

const KEY = 'tokenizer.chat_template';

/**
 * Renders messages with the file's own chat template (Jinja). The result is text for `encode` with `parseSpecial`. The template sees
 * what Hugging Face's `apply_chat_template` gives it: messages, add_generation_prompt, bos_token, eos_token, raise_exception,
 * strftime_now; no tools.
 * @throws TracerError `chat-template`: the file has no template, it does not parse, it takes more than {@link renderBounded} allows, or it refuses these
 * messages (its own words).
 */
export function renderChat(
  metadata: ReadonlyMap<string, GgufValue>,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): string {
  const source = metadata.get(KEY);
  if (typeof source !== 'string' || source === '') {
    throw fail(
      'chat-template',
      'This file has no chat template.',
      'Turn the chat template off and write the prompt as the model expects it.',
      { key: KEY },
    );
  }
  try {
    const items = {
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: options.addGenerationPrompt,
      bos_token: tokenText(metadata, 'tokenizer.ggml.bos_token_id'),
      eos_token: tokenText(metadata, 'tokenizer.ggml.eos_token_id'),
      [COUNTED]: boundedRange(),
    };
    const given = messages.reduce((sum, { content }) => sum + content.length, 0);
    return renderBounded(source, items, `{% set range = ${COUNTED} %}`, given);
  } catch (error) {
    const reason = reasonOf(error);
    throw fail(
      'chat-template',
      `The chat template of this file failed: ${reason}`,
      'Change the messages, or turn the chat template off and write the prompt as the model expects it.',
      { key: KEY, reason },
      error,
    );
  }
}

/** The name under which a template gets its `range`: the library lets nobody give one of that name itself. */
const COUNTED = 'moescope_range';
/** Numbers that a template may count through, all loops together: real ones count messages and tools. */
const MOST_COUNTED = 100_000;

/** Jinja's `range`, which must not be how a file stops the page. */
function boundedRange(): (start: number, stop?: number, step?: number) => readonly number[] {
  let left = MOST_COUNTED;
  return (start, stop, step = 1) => {
    const [from, to] = stop === undefined ? [0, start] : [start, stop];
    const count = Math.max(0, Math.ceil((to - from) / step));
    left -= count;
    if (!(left >= 0)) throw new Error(`it counts through more than ${MOST_COUNTED} numbers`);
    return Array.from({ length: count }, (_, i) => from + i * step);
  };
}

/** The text of the token that a metadata key names; empty where there is none, as templates expect. */
function tokenText(metadata: ReadonlyMap<string, GgufValue>, key: string): string {
  const id = metadata.get(key);
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const text: unknown = typeof id === 'number' && Array.isArray(tokens) ? tokens[id] : undefined;
  return typeof text === 'string' ? text : '';
}
