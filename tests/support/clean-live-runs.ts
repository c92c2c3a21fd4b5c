import { seededRandom } from '../../src/base/random';
import type { LiveOptions } from '../../src/model/live';
import { PLAIN } from './live-judge';

/** A live run with nothing wrong. */
export interface CleanRun {
  readonly model: string;
  readonly nTokens: number;
  readonly how: string;
  readonly options: LiveOptions;
}

/** How people run llama.cpp on a CPU. */
export const WAYS: Readonly<Record<string, LiveOptions>> = {
  'no flash attention, f32 cache': PLAIN,
  'no flash attention, f16 cache': { flashAttention: 'off', kv: 'f16' },
  'its defaults': {},
  'micro-batches of 5': { ...PLAIN, ubatch: 5 },
};

export function cleanRuns(models: readonly string[], lengths: readonly number[]): readonly CleanRun[] {
  return models.flatMap((model) =>
    lengths.flatMap((nTokens) => Object.entries(WAYS).map(([how, options]) => ({ model, nTokens, how, options }))),
  );
}

/** Seeded ids of a vocabulary. */
export function promptOf({ model, nTokens }: CleanRun, nVocab: number): readonly number[] {
  const random = seededRandom(nTokens + ([...model].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7) % 1e6));
  return Array.from({ length: nTokens }, () => random.below(nVocab));
}
