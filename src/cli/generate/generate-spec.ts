import type { CommandSpec } from '../command-line/command-spec';
import { ENGINE } from '../bench/bench-options';
import {
  ADAPTER,
  BUDGET,
  CHAT,
  DEVICE,
  HEADER,
  JSON_FILE,
  PROMPT,
  PROMPT_FILE,
  QUIET,
} from '../command-line/shared-options';
import { COUNT, DECODER, IDS } from './generate-options';

/** `generate` in the command table. */
export const GENERATE = {
  name: 'generate',
  operands: ['MODEL...'],
  summary: 'continue a prompt, greedily',
  description:
    'Runs MODEL on a prompt and writes what it says next as it comes, the likeliest token each time, on the GPU or on the exact reference. Text goes to standard output, everything else to standard error. MODEL is as for trace.',
  options: [PROMPT, PROMPT_FILE, IDS, CHAT, COUNT, ENGINE, DECODER, ADAPTER, DEVICE, BUDGET, HEADER, JSON_FILE, QUIET],
  examples: [
    'moescope generate model.gguf --prompt "Why is the sky blue?" --chat --tokens 256',
    'moescope generate sample: --prompt "Once upon a time" --tokens 24 --engine cpu',
    'moescope generate model.gguf --prompt-file prompt.txt --json -',
  ],
} as const satisfies CommandSpec;
