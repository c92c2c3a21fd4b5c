import { fail } from '../base/errors';
import type { Provenance } from '../trace/trace';

/**
 * Whether two traces are of the same model and prompt, as far as they tell.
 * @returns remarks on what does not agree or is not known. @throws TracerError `trace-mismatch` unless `force`.
 */
export function checkSameRun(a: Provenance, b: Provenance, force: boolean): readonly string[] {
  const notes: string[] = [];
  const differ = (what: string, x: string, y: string): void => {
    if (!force) {
      throw fail(
        'trace-mismatch',
        `The traces are of different ${what}: ${x} and ${y}.`,
        'Compare traces of one model and prompt, or add --force.',
        { what, a: x, b: y },
      );
    }
    notes.push(`different ${what}: ${x} and ${y}`);
  };
  if (a.headerSha256 !== undefined && b.headerSha256 !== undefined) {
    if (a.headerSha256 !== b.headerSha256) differ('models', modelText(a), modelText(b));
  } else if (a.modelName !== undefined && b.modelName !== undefined && a.modelName !== b.modelName) {
    differ('models', a.modelName, b.modelName);
  } else {
    notes.push('one of the traces does not say of which model it is');
  }
  if (a.tokens === undefined || b.tokens === undefined) {
    notes.push('one of the traces does not say of which tokens it is');
  } else if (a.tokens.length !== b.tokens.length || a.tokens.some((token, i) => token !== b.tokens?.[i])) {
    differ('tokens', tokensText(a.tokens), tokensText(b.tokens));
  }
  return notes;
}

function modelText({ modelName, headerSha256 }: Provenance): string {
  return `${modelName ?? 'unnamed'} (header ${headerSha256?.slice(0, 12) ?? 'unknown'})`;
}

/** The first tokens, and how many there are. */
function tokensText(tokens: readonly number[]): string {
  const shown = tokens.slice(0, 8).join(',');
  return `${shown}${tokens.length > 8 ? ',...' : ''} (${tokens.length})`;
}
