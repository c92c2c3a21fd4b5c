import { fail } from '../base/errors';
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

/** A template and all that it is given: plain data, which another thread can render. */
export interface ChatJob {
  readonly source: string;
  readonly messages: readonly ChatMessage[];
  readonly addGenerationPrompt: boolean;
  readonly bosToken: string;
  readonly eosToken: string;
}

/** The metadata key of the template. */
export const TEMPLATE_KEY = 'tokenizer.chat_template';

/** What a file's own chat template is to render. @throws TracerError `chat-template`: the file has none */
export function chatJob(
  metadata: ReadonlyMap<string, GgufValue>,
  messages: readonly ChatMessage[],
  { addGenerationPrompt }: ChatOptions,
): ChatJob {
  const source = metadata.get(TEMPLATE_KEY);
  if (typeof source !== 'string' || source === '') {
    throw fail(
      'chat-template',
      'This file has no chat template.',
      'Turn the chat template off and write the prompt as the model expects it.',
      { key: TEMPLATE_KEY },
    );
  }
  return {
    source,
    messages,
    addGenerationPrompt,
    bosToken: tokenText(metadata, 'tokenizer.ggml.bos_token_id'),
    eosToken: tokenText(metadata, 'tokenizer.ggml.eos_token_id'),
  };
}

/** The error of a template that could not be rendered. */
export function templateFailed(reason: string, cause?: unknown): Error {
  return fail(
    'chat-template',
    `The chat template of this file failed: ${reason}`,
    'Change the messages, or turn the chat template off and write the prompt as the model expects it.',
    { key: TEMPLATE_KEY, reason },
    cause,
  );
}

/** The text of the token that a metadata key names; empty where there is none, as templates expect. */
function tokenText(metadata: ReadonlyMap<string, GgufValue>, key: string): string {
  const id = metadata.get(key);
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const text: unknown = typeof id === 'number' && Array.isArray(tokens) ? tokens[id] : undefined;
  return typeof text === 'string' ? text : '';
}
