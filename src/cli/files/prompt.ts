import { readFile } from 'node:fs/promises';
import { fail, reasonOf } from '../../base/errors';

export type NamedPrompt =
  | { readonly kind: 'text'; readonly text: string; readonly chat: boolean }
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] };

/** What runs when no prompt is given. */
export const DEFAULT_PROMPT = 'What is 2+2?';

/** What a command line says of the prompt. */
export interface PromptOptions {
  readonly text: string | undefined;
  readonly file: string | undefined;
  readonly ids: readonly number[] | undefined;
  /** The option that gives ids: `--tokens` or `--ids`. */
  readonly idsFlag: string;
  readonly chat: boolean;
}

/** The prompt of a command. @throws TracerError `usage`, `source-read` (the prompt file) */
export async function readPrompt({ text, file, ids, idsFlag, chat }: PromptOptions): Promise<NamedPrompt> {
  const given = [text, file, ids].filter((value) => value !== undefined).length;
  if (given > 1) {
    const message = `--prompt, --prompt-file and ${idsFlag} exclude each other.`;
    throw fail('usage', message, 'Give one of them.', { given });
  }
  if (ids !== undefined) {
    if (!chat) return { kind: 'tokens', tokens: ids };
    throw fail('usage', `--chat needs text; ${idsFlag} are run as they are.`, 'Leave out --chat, or give --prompt.');
  }
  return { kind: 'text', text: text ?? (file === undefined ? DEFAULT_PROMPT : await readPromptFile(file)), chat };
}

async function readPromptFile(file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    const reason = reasonOf(error);
    const remedy = 'Check the path; the prompt must be UTF-8 text.';
    throw fail('source-read', `The prompt file ${file} cannot be read: ${reason}.`, remedy, { file, reason }, error);
  }
}
