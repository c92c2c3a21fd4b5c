import type { CommandSpec } from '../command-line/command-spec';
import { ENGINE, COMPARE, LIMIT, NEW_TOKENS, PROMPT_TOKENS, REPEATS } from './bench-options';
import { ADAPTER, BUDGET, DEVICE, HEADER, JSON_FILE, QUIET } from '../command-line/shared-options';
import { DECODER } from '../generate/generate-options';

/** `bench` in the command table. */
export const BENCH = {
  name: 'bench',
  operands: ['MODEL...'],
  summary: 'measure how fast one engine is on this machine',
  description:
    "Runs seeded tokens through one engine and measures loading, prompts, decoding, what tracing adds, what share of the adapter's read bandwidth the weights use, and, where the adapter has timestamps, the share of each kernel. Nothing is compared but, with --compare, the rates with those of an earlier run: exit status 1 says slower.",
  options: [
    ENGINE,
    DECODER,
    PROMPT_TOKENS,
    NEW_TOKENS,
    REPEATS,
    COMPARE,
    LIMIT,
    ADAPTER,
    DEVICE,
    BUDGET,
    HEADER,
    JSON_FILE,
    QUIET,
  ],
  examples: [
    'moescope bench model.gguf --compare bench.json --limit 5',
    'moescope bench model.gguf --budget 24GiB --json bench.json',
    'moescope bench model.gguf --engine cpu --prompt-tokens 12 --new-tokens 4 --repeats 1',
  ],
} as const satisfies CommandSpec;
