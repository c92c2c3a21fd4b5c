import { HEADERS } from './headers';
import { LINKS_TARGET } from './links';
import { SHARED_FILES } from './shared-files';
import type { FuzzTarget } from './target';
import { TOKENIZERS } from './tokenizers';
import { TRACES } from './traces';

/** What is fuzzed, and how many cases `npm run fuzz` tries of each. */
export const TARGETS: readonly { readonly target: FuzzTarget; readonly cases: number }[] = [
  { target: HEADERS, cases: 1_000_000 },
  { target: TRACES, cases: 100_000 },
  { target: SHARED_FILES, cases: 50_000 },
  { target: LINKS_TARGET, cases: 100_000 },
  { target: TOKENIZERS, cases: 20_000 },
];
