import type { CommandSpec } from '../command-line/command-spec';
import { HEADER, JSON_FILE, QUIET } from '../command-line/shared-options';
import { SCAN } from './inspect-options';

/** `inspect` in the command table. */
export const INSPECT = {
  name: 'inspect',
  operands: ['MODEL...'],
  summary: 'show what a model file holds, from its header or block by block',
  description:
    'Prints all that the header of MODEL says: architecture, sizes, keys, tensors and their types; of a file that cannot be run too, and what stands in the way (exit status 2). With --scan every block is read: weights that are not finite, blank or doubled experts (exit status 1), outlying, subnormal and zero scales. MODEL is as in trace.',
  options: [SCAN, HEADER, JSON_FILE, QUIET],
  examples: [
    'moescope inspect model.gguf',
    'moescope inspect model.gguf --scan',
    'moescope inspect model-00001-of-00003.gguf --json -',
  ],
} as const satisfies CommandSpec;
