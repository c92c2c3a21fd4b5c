import type { GgufValue } from '../../src/gguf/model-file';
import { TOKEN_TYPE } from '../../src/tokenizer/vocabulary';

/** The 256 characters of the byte-level alphabet in byte order, written out by its definition. */
const ALPHABET = Array.from({ length: 256 }, (_, b) => b).reduce<string[]>((letters, b) => {
  const printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  const shifted = letters.filter((l) => l.charCodeAt(0) >= 256).length;
  return [...letters, String.fromCharCode(printable ? b : 256 + shifted)];
}, []);

/**
 * Metadata of a vocabulary whose id b is byte b; then one token for each merge ('a b'), then the special tokens in order.
 * `changes` replaces keys; undefined removes one.
 */
export function smallMetadata(
  options: { readonly merges?: readonly string[]; readonly specials?: readonly (readonly [string, number])[] } = {},
  changes: Readonly<Record<string, GgufValue | undefined>> = {},
): ReadonlyMap<string, GgufValue> {
  const { merges = ['h e'], specials = [['<|im_end|>', TOKEN_TYPE.control]] } = options;
  const merged = [...new Set(merges.map((m) => m.replace(' ', '')))];
  const all: Record<string, GgufValue | undefined> = {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'qwen2',
    'tokenizer.ggml.tokens': [...ALPHABET, ...merged, ...specials.map(([text]) => text)],
    'tokenizer.ggml.token_type': Int32Array.from([
      ...[...ALPHABET, ...merged].map(() => TOKEN_TYPE.normal),
      ...specials.map(([, type]) => type),
    ]),
    'tokenizer.ggml.merges': merges,
    ...changes,
  };
  return new Map(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}
