import { plainText } from '../../src/base/foreign-text';
import type { Terminal } from '../../src/cli/terminal/terminal';

/** A terminal that keeps what is written to it. */
export function terminalDouble(isInteractive = false): Terminal & { readonly written: { out: string; err: string } } {
  const written = { out: '', err: '' };
  return {
    written,
    out: (text) => {
      written.out += plainText(text);
    },
    err: (text) => {
      written.err += plainText(text);
    },
    isInteractive,
    columns: 80,
  };
}
