import { formatMetric } from '../base/format';
import type { Finding, Judgement } from './expected';

/** What is wrong with a case, for people: `y[3] is 0.5, expected 0.25 within 1e-7 (2.5e6 times its bound)`. */
export function describeFinding({ ratio, worst }: Judgement): string {
  if (worst === undefined) return 'nothing was compared';
  const { output, element, actual, expected, bound, problem } = worst;
  const place = `${output}[${element}]`;
  switch (problem) {
    case 'bits':
      return `${place} is ${hex(actual)}, expected exactly ${hex(expected)}`;
    case 'written':
      return `${place} was written (${hex(actual)}), where nothing belongs`;
    case 'not-written':
      return `${place} was not written, expected ${expected}`;
    default:
      return `${place} is ${actual}, expected ${expected} within ${formatMetric(bound)}${times(ratio)}`;
  }
}

/** A write outside of an output. */
export function describeStray(output: string, at: number, length: number): string {
  return `${output}[${at}] was written, outside of its ${length} elements`;
}

function times(ratio: number): string {
  return Number.isFinite(ratio) ? ` (${formatMetric(ratio)} times its bound)` : '';
}

function hex(word: Finding['actual']): string {
  return `0x${word.toString(16).padStart(8, '0')}`;
}
