import { fail, type TracerError } from '../base/errors';

const REMEDY = 'The file is damaged, cut short or of another kind. Save the trace again.';

/** `trace-format`: what was expected at a place of a trace file, and what was found there. */
export function formatError(place: string, expected: string, actual: string, remedy = REMEDY): TracerError {
  return fail('trace-format', `${place}: expected ${expected}, found ${actual}.`, remedy, { place, expected, actual });
}
