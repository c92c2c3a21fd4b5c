import { seededRandom } from '../src/base/random';

/** Prompt lengths that no kernel may raise a false alarm at. */
export const LENGTHS = [1, 12, 300] as const;
/** From here on a prompt is long: only what is asked is run. */
export const LONG = 300;

/** Seeded token ids below `nVocab`. */
export function seededTokens(count: number, nVocab: number): readonly number[] {
  const random = seededRandom(count);
  return Array.from({ length: count }, () => random.below(nVocab));
}
