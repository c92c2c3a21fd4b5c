import type { CommandSpec } from '../command-line/command-spec';
import { ADAPTER, DEVICE, HEADER, JSON_FILE, QUIET, RUNTIME, UPDATE_BASELINE } from '../command-line/shared-options';
import { BASELINES, GREP, LIST, OUT, REPEAT, REPORTS, RESUME, RETRIES, SECONDS, SHARD } from './suite-options';

/** `suite` in the command table. */
export const SUITE = {
  name: 'suite',
  operands: ['SUITE'],
  summary: 'run every model with every prompt of a suite, or one shard of it',
  description:
    'Runs every model with every prompt in every mode that the suite file names, each as trace would, and writes what each came to. On several machines each takes a shard; moescope merge joins them.',
  options: [
    OUT,
    SHARD,
    GREP,
    LIST,
    SECONDS,
    RESUME,
    RETRIES,
    REPEAT,
    BASELINES,
    UPDATE_BASELINE,
    REPORTS,
    JSON_FILE,
    RUNTIME,
    ADAPTER,
    DEVICE,
    HEADER,
    QUIET,
  ],
  examples: [
    'moescope suite suite.json --out all.json --baselines accepted/',
    'moescope suite suite.json --shard 2/3 --out shard-2.json --resume',
    'moescope suite suite.json --list --grep tiny',
  ],
} as const satisfies CommandSpec;
