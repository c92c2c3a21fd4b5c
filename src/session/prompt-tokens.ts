import { fail } from '../base/errors';
import type { GgufValue } from '../gguf/model-file';
import { renderChat } from '../tokenizer/chat';
import type { Tokenizer } from '../tokenizer/tokenizer';

/**
 * Token ids of a prompt. Raw text is taken as written, control tokens in it (`<|im_start|>`) parsed, with the begin-of-text token in
 * front where the file asks for one. With `chat` it is one user turn of the file's chat template, ready for the answer; a
 * begin-of-text token that the template writes is not doubled.
 * @throws TracerError `tokenizer-malformed`, `chat-template`, `prompt-empty`
 */
export function promptTokens(
  tokenizer: Tokenizer,
  metadata: ReadonlyMap<string, GgufValue>,
  text: string,
  options: { readonly chat: boolean },
): readonly number[] {
  const ids = options.chat ? chatTokens(tokenizer, metadata, text) : tokenizer.encode(text, { parseSpecial: true });
  if (ids.length === 0) {
    throw fail('prompt-empty', 'The prompt has no tokens.', 'Type a prompt, or give token ids.', { nTokens: 0 });
  }
  const { bosId, addBos } = tokenizer;
  return addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids;
}

function chatTokens(tokenizer: Tokenizer, metadata: ReadonlyMap<string, GgufValue>, text: string): readonly number[] {
  const rendered = renderChat(metadata, [{ role: 'user', content: text }], { addGenerationPrompt: true });
  return tokenizer.encode(rendered, { parseSpecial: true });
}
