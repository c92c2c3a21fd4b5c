/** How the sentence of a run begins that gave two answers on one adapter. */
export const UNSTEADY = 'UNSTEADY';

/** One adapter gives one answer: a run that does not is not to be believed, whatever its verdict. */
export function unsteadySentence(what: string, place: string): string {
  return `${UNSTEADY}: ${what} has other bits than the first, first at ${place}`;
}
