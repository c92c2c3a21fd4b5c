import type { CommandSpec } from '../command-line/command-spec';
import { HEADER, JSON_FILE } from '../command-line/shared-options';

/** `inspect` in the command table. */
export const INSPECT = {
  name: 'inspect',
  operands: ['MODEL'],
  summary: 'show what a model file holds, from its header alone',
  description: 'Prints the model card: architecture, sizes, and how many tensors and bytes each quantisation type has.',
  options: [HEADER, JSON_FILE],
  examples: ['moescope inspect model.gguf', 'moescope inspect model-00001-of-00003.gguf --json -'],
} as const satisfies CommandSpec;
