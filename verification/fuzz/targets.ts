import { SUITES, SUMMARIES, TEMPLATES_TARGET, TERMINAL_TEXT } from './foreign-text';
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
  { target: TERMINAL_TEXT, cases: 100_000 },
  { target: TEMPLATES_TARGET, cases: 100_000 },
  { target: SUMMARIES, cases: 100_000 },
  { target: SUITES, cases: 100_000 },
];
