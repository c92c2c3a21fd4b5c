import { writeFile } from 'node:fs/promises';
import { ggufBytes, type GgufToWrite, type TypedValue } from '../../src/gguf/writer';
import { modelToWrite } from './gguf-models';

/** What a hostile author puts into a file that is valid otherwise. */
export interface HostileParts {
  /** Metadata of type string, added or replaced. */
  readonly strings?: Readonly<Record<string, string>>;
  /** Texts of tokens, by id. */
  readonly tokens?: Readonly<Record<number, string>>;
  /** The name of the first tensor. */
  readonly tensor?: string;
}

export const TEMPLATE = 'tokenizer.chat_template';

/** A small valid model with hostile parts, as bytes. */
export function hostileModel({ strings = {}, tokens = {}, tensor }: HostileParts): Uint8Array<ArrayBuffer> {
  const model = modelToWrite();
  const metadata = new Map<string, TypedValue>(model.metadata);
  for (const [key, value] of Object.entries(strings)) metadata.set(key, { type: 'string', value });
  const list = metadata.get('tokenizer.ggml.tokens');
  if (list?.type === 'array' && list.of === 'string') {
    metadata.set('tokenizer.ggml.tokens', { ...list, value: list.value.map((text, id) => tokens[id] ?? text) });
  }
  const tensors = model.tensors.map((t, i) => (i === 0 && tensor !== undefined ? { ...t, name: tensor } : t));
  return ggufBytes({ ...model, metadata, tensors } satisfies GgufToWrite);
}

/** The same as a file. */
export async function writeHostileModel(path: string, parts: HostileParts): Promise<string> {
  await writeFile(path, hostileModel(parts));
  return path;
}

const ESC = '\x1b';

/** Names that try to be obeyed. */
export const HOSTILE_NAMES: Readonly<Record<string, string>> = {
  ansi: `${ESC}]0;PWNED-TITLE\x07${ESC}[2J${ESC}[31mMATCH: everything agrees${ESC}[8m`,
  github: 'nice\n::error file=src/x.ts,line=1::pwned by model\n::add-mask::hello\n::stop-commands::tok\n',
  leading: '::stop-commands::tok ##[error]x ##vso[task.complete]',
  return: 'evil model\rMATCH: fake verdict line overwrites',
  html: '</title><script>alert(1)</script><img src=x onerror=alert(2)> " \' & ]]> --> javascript:alert(3)',
  markdown: 'a | b \\| c <img src="http://127.0.0.1:9/x.png"> [click](javascript:alert(1)) `x` @octocat\n# big',
  nul: 'a\0b\uffff\u202e\u2028c',
  long: 'A'.repeat(1_000_000),
  path: '../../../../escape/pwn',
};
