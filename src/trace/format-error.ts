import { fail, type TracerError } from '../base/errors';

const REMEDY = 'The file is damaged, cut short or of another kind. Save the trace again.';

/** Characters of what was found that a message repeats: it may be a whole file on one line. */
const SHOWN = 120;

/** `trace-format`: what was expected at a place of a trace file, and what was found there. */
export function formatError(place: string, expected: string, actual: string, remedy = REMEDY): TracerError {
  const [at, found] = [cut(place), cut(actual)];
  return fail('trace-format', `${at}: expected ${expected}, found ${found}.`, remedy, {
    place: at,
    expected,
    actual: found,
  });
}

/** Any JSON value in a few words. Never fails: `{"toString": 1}` has no text, and lists may be nested without end. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' ? JSON.stringify(cut(value)) : String(value);
}

function cut(text: string): string {
  return text.length > 2 * SHOWN ? `${text.slice(0, SHOWN)}...${text.slice(-20)}` : text;
}
