import type { CommandSpec } from '../command-line/command-spec';
import { JSON_FILE, JUNIT_FILE, SUMMARY_FILE } from '../command-line/shared-options';

/** `merge` in the command table. */
export const MERGE = {
  name: 'merge',
  operands: ['SHARD...'],
  summary: 'join the results of shards, and of different adapters',
  description:
    'Joins what moescope suite wrote into one report in the order of the suite. A run that no shard ended is lost, and fails. Results of several adapters stand side by side, with a table of every two of them.',
  options: [JSON_FILE, JUNIT_FILE, SUMMARY_FILE],
  examples: ['moescope merge shard-*.json --json merged.json --junit results.xml'],
} as const satisfies CommandSpec;
