import { reasonOf } from '../base/errors';
import type { GgufValue } from '../gguf/model-file';
import { renderBounded } from './bounded-template';
import { chatJob, templateFailed, type ChatJob, type ChatMessage, type ChatOptions } from './chat-job';

/**
 * Renders messages with the file's own chat template (Jinja), in this thread: for tests, and for what renders in a thread of its own (`template-thread/`).
 * @throws TracerError `chat-template`: the file has no template, and as {@link renderJob}
 */
export function renderChat(
  metadata: ReadonlyMap<string, GgufValue>,
  messages: readonly ChatMessage[],
  options: ChatOptions,
): string {
  return renderJob(chatJob(metadata, messages, options));
}

/**
 * Renders a chat template. The result is text for `encode` with `parseSpecial`. The template sees what Hugging Face's `apply_chat_template` gives it:
 * messages, add_generation_prompt, bos_token, eos_token, raise_exception, strftime_now; no tools.
 * @throws TracerError `chat-template`: it does not parse, takes more than {@link renderBounded} allows, or refuses these messages (its own words)
 */
export function renderJob({ source, messages, addGenerationPrompt, bosToken, eosToken }: ChatJob): string {
  try {
    const items = {
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: addGenerationPrompt,
      bos_token: bosToken,
      eos_token: eosToken,
      [COUNTED]: boundedRange(),
    };
    const given = messages.reduce((sum, { content }) => sum + content.length, 0);
    return renderBounded(source, items, `{% set range = ${COUNTED} %}`, given);
  } catch (error) {
    throw templateFailed(reasonOf(error), error);
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
