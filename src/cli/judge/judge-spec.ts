import type { CommandSpec } from '../command-line/command-spec';
import { parseChoice, parseText, type Option } from '../command-line/option';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { ENGINE_A } from '../diff/diff-options';
import { HTML_FILE, PNG_FILE, SVG_FILE, WITH_PROMPT } from '../share/share-options';
import { TOKENS } from '../trace/trace-options';

export const ROUTING: Option<string> = {
  name: 'routing',
  placeholder: 'FILE',
  help: "judge chosen experts alone: vLLM's routed_experts as .npy, SGLang's response as JSON, a CSV (layer, position, slot, expert), or a dump",
  parse: parseText,
};

/** What an engine rounds activations to in front of its products. */
export const DRIFTS = ['f32', 'f16', 'bf16', 'q8'] as const;
export type Drift = (typeof DRIFTS)[number];

export const DRIFT: Option<Drift> = {
  name: 'drift',
  placeholder: 'WORD',
  help: 'with --routing: what the engine computes in: f32, f16, bf16 or q8 (llama.cpp on a CPU). Default bf16 for vLLM and SGLang, else q8',
  parse: parseChoice(DRIFTS),
};

/** `judge` in the command table. */
export const JUDGE = {
  name: 'judge',
  operands: ['MODEL...', '[DUMP]'],
  summary: "judge another engine's captures, stage by stage from its own inputs",
  description:
    "Computes every stage of DUMP, the last operand, exactly from the inputs that DUMP itself holds, with the weights of MODEL, names the arithmetic that explains each kind of operation (f32, 8-bit activations, f16 or bf16 operands ...), and the first stage that it does not explain. DUMP is what diff reads: a folder or file of trace --save-tensor, or another program's (capture/FORMAT.md), of a prompt's tokens from the first on. Stages whose inputs it does not hold are unmeasured. With --routing there is no DUMP: the chosen experts of FILE are replayed, and each choice that is not the exact one is a tie within rounding, explained by drift, or wrong.",
  options: [ENGINE_A, ROUTING, TOKENS, DRIFT, JSON_FILE, HTML_FILE, PNG_FILE, SVG_FILE, WITH_PROMPT, QUIET],
  examples: [
    'moescope judge model.gguf dump/',
    'moescope judge model.gguf dump.safetensors --json - --html report.html',
    'moescope judge model.gguf --routing routed_experts.npy --tokens 9707,1917',
  ],
} as const satisfies CommandSpec;
