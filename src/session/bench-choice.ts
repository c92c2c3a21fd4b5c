import type { BenchInput } from './bench';

/** What a person chooses of a benchmark. */
export type BenchChoice = Pick<BenchInput, 'engine' | 'promptTokens' | 'newTokens' | 'repeats'>;
