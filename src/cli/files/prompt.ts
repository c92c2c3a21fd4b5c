import { fail, reasonOf } from '../../base/errors';
import { readRegular } from '../../gguf/regular-file';

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
  if (text?.includes('\ufffd') === true) {
    const remedy = 'Write it to a file in UTF-8 and use --prompt-file, or - for standard input.';
    throw fail('usage', '--prompt holds bytes that are no UTF-8 text (or the character U+FFFD).', remedy);
  }
  return { kind: 'text', text: text ?? (file === undefined ? DEFAULT_PROMPT : await readPromptFile(file)), chat };
}

/** Bytes of a prompt: a megabyte is some 250,000 tokens, which no model takes. */
const MOST_PROMPT_BYTES = 4 * 2 ** 20;

async function readPromptFile(file: string): Promise<string> {
  const place = file === '-' ? '- (standard input)' : file;
  try {
    const bytes = file === '-' ? await readStandardInput() : await readRegular(file);
    if (bytes.length > MOST_PROMPT_BYTES) throw new Error(`it has more than ${MOST_PROMPT_BYTES} bytes`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const reason = error instanceof TypeError ? 'it is not UTF-8 text' : reasonOf(error);
    const remedy = 'Check the path; the prompt must be UTF-8 text. - is standard input.';
    throw fail('source-read', `The prompt file ${place} cannot be read: ${reason}.`, remedy, { file, reason }, error);
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  if (process.stdin.isTTY) throw new Error('it is a terminal');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_PROMPT_BYTES) break;
  }
  return Buffer.concat(chunks);
}
