import type { CommandSpec } from '../command-line/command-spec';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { ARM_A } from '../diff/diff-options';

/** `judge` in the command table. */
export const JUDGE = {
  name: 'judge',
  operands: ['MODEL', 'DUMP'],
  summary: "judge another engine's captures, stage by stage from its own inputs",
  description:
    "Computes every stage of DUMP exactly from the inputs that DUMP itself holds, with the weights of MODEL, names the arithmetic that explains each kind of operation (f32, 8-bit activations, f16 or bf16 operands ...), and the first stage that it does not explain. DUMP is what diff reads: a folder or file of trace --save-tensor, or another program's (capture/FORMAT.md), of a prompt's tokens from the first on. Stages whose inputs it does not hold are unmeasured.",
  options: [ARM_A, JSON_FILE, QUIET],
  examples: ['moescope judge model.gguf dump/', 'moescope judge model.gguf dump.safetensors --json -'],
} as const satisfies CommandSpec;
