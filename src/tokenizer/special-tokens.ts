import { TOKEN_TYPE, type Vocabulary } from './vocabulary';

/** A token that is found in the text itself, before any merging. */
export interface SpecialToken {
  readonly id: number;
  readonly text: string;
  /** Found only where special tokens are parsed; otherwise it is plain text. */
  readonly isControl: boolean;
}

/** Raw text, or the id of a special token that stood there. */
export type Fragment = string | number;

/**
 * Names that llama.cpp treats as control tokens whatever type the file gives them: ends of generation and fill-in-the-middle marks.
 * The Qwen3 files mark the latter as user-defined.
 */
const ALWAYS_CONTROL: ReadonlySet<string> = new Set([
  ...['<|im_end|>', '<|endoftext|>', '<|eot_id|>', '<|eom_id|>', '<|end|>', '<|end_of_text|>', '<end_of_turn>'],
  ...['<|return|>', '<|call|>', '<|calls|>', '<|flush|>', '</s>', '<eos>', '<EOT>', '_<EOT>', '[EOT]', '[EOS]'],
  ...['<end_of_utterance>', '<\uff5cend\u2581of\u2581sentence\uff5c>', '[e~['],
  ...[
    '<|fim_prefix|>',
    '<|fim_suffix|>',
    '<|fim_middle|>',
    '<|fim_pad|>',
    '<|fim_repo|>',
    '<|repo_name|>',
    '<|file_sep|>',
  ],
  ...['<fim_prefix>', '<fim_suffix>', '<fim_middle>', '<fim_pad>', '<reponame>'],
  ...['<\uff5cfim\u2581begin\uff5c>', '<\uff5cfim\u2581hole\uff5c>', '<\uff5cfim\u2581end\uff5c>'],
  ...['<|code_prefix|>', '<|code_suffix|>', '<|code_middle|>'],
]);

/** Names of gpt-oss that llama.cpp treats as user-defined tokens whatever type the file gives them. */
const ALWAYS_FOUND: ReadonlySet<string> = new Set(['<|start|>', '<|channel|>', '<|message|>', '<|constrain|>']);

/** Ends a message only, and is a user-defined token, where others end what is generated. */
const MESSAGE_END = '<|end|>';

function isMessageEnd(text: string, ids: Vocabulary['ids']): boolean {
  const hasCall = ids.has('<|call|>') || ids.has('<|calls|>');
  return text === MESSAGE_END && hasCall && (ids.has('<|return|>') || ids.has('<|flush|>'));
}

/** Special tokens in the order in which llama.cpp looks for them: longest first (UTF-8 bytes), then by id. */
export function specialTokens(vocabulary: Vocabulary): readonly SpecialToken[] {
  const found: (SpecialToken & { readonly bytes: number })[] = [];
  const encoder = new TextEncoder();
  for (const [id, text] of vocabulary.tokens.entries()) {
    const type = vocabulary.types[id];
    const isFound = ALWAYS_FOUND.has(text) || isMessageEnd(text, vocabulary.ids);
    const isControl =
      !isFound && (type === TOKEN_TYPE.control || type === TOKEN_TYPE.unknown || ALWAYS_CONTROL.has(text));
    if (!isFound && !isControl && type !== TOKEN_TYPE.userDefined) continue;
    found.push({ id, text, isControl, bytes: encoder.encode(text).length });
  }
  return found.sort((a, b) => b.bytes - a.bytes || a.id - b.id);
}

/**
 * Cuts a text at its special tokens. As llama.cpp does: each token in turn is searched in all text that is still raw, so the longest
 * token wins wherever two overlap, not the leftmost.
 */
export function splitAtSpecialTokens(
  text: string,
  tokens: readonly SpecialToken[],
  parseSpecial: boolean,
): readonly Fragment[] {
  let fragments: readonly Fragment[] = text === '' ? [] : [text];
  for (const token of tokens) {
    if (token.isControl && !parseSpecial) continue;
    if (!text.includes(token.text)) continue;
    fragments = fragments.flatMap((fragment) => (typeof fragment === 'string' ? cut(fragment, token) : [fragment]));
  }
  return fragments;
}

function cut(text: string, token: SpecialToken): readonly Fragment[] {
  const parts: Fragment[] = [];
  let start = 0;
  for (let at = text.indexOf(token.text); at >= 0; at = text.indexOf(token.text, start)) {
    if (at > start) parts.push(text.slice(start, at));
    parts.push(token.id);
    start = at + token.text.length;
  }
  if (start < text.length) parts.push(text.slice(start));
  return parts;
}
