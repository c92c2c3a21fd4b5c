import { FAULTS } from '../model/faults';
import { FAULT_FORM, faultText, parseFault } from '../model/parse-fault';
import { RUN_ARM_IDS, type RunArm } from '../model/arms';
import { STAGES } from '../model/stages';
import { ROUTINGS, type Routing } from '../session/events';
import { ARM, NEW_TOKENS, PROMPT_TOKENS, REPEATS } from './bench-options';
import { ARM_A, ARM_B, COMMON, COSINE, DIFF_FORCE, DIFF_FORMAT } from './diff/diff-options';
import { SHELL_NAMES } from './completion/shells';
import { COUNT, DECODER, IDS } from './generate-options';
import {
  EPS,
  FORCE,
  HEAD_DIM,
  N_EMBD,
  N_EXPERT,
  N_EXPERT_USED,
  N_FF_EXP,
  N_HEAD,
  N_HEAD_KV,
  N_LAYER,
  N_VOCAB,
  SEED,
  SHAPE,
  SPLIT,
  THETA,
  TIED,
  TYPE,
} from './make-model-options';
import { ALL, CASES, KERNEL, WEIGHT_TYPE } from './selftest/selftest-options';
import {
  parseArms,
  parseBytes,
  parseChoice,
  parsePort,
  parseText,
  parseTokens,
  type AnyOption,
  type DefaultedOption,
  type Flag,
  type Option,
  type RepeatedOption,
} from './option';
import { DEFAULT_PROMPT } from './prompt';
import { HTML_FILE, PNG_FILE, SVG_FILE, WITH_PROMPT } from './share/share-options';
import { BASELINES, OUT, REPORTS, RESUME, RETRIES, SECONDS, SHARD, SUMMARY_FILE } from './suite/suite-options';

/** THE COMMAND TABLE: parsing, help and README derive from it. */
export interface CommandSpec {
  readonly name: string;
  /** What stands for the positional arguments in the help; all are required, and the last may be `NAME...`: one or more. */
  readonly operands: readonly string[];
  readonly summary: string;
  /** A paragraph for the command's own help. */
  readonly description: string;
  readonly options: readonly AnyOption[];
  readonly examples: readonly string[];
}

export const PROMPT: Option<string> = {
  name: 'prompt',
  placeholder: 'TEXT',
  help: `text to run; the file's own tokenizer turns it into ids; without a prompt of any kind, "${DEFAULT_PROMPT}"`,
  parse: parseText,
};
export const PROMPT_FILE: Option<string> = {
  name: 'prompt-file',
  placeholder: 'FILE',
  help: 'read the prompt from a UTF-8 file, whole, line ends included',
  parse: parseText,
};
export const TOKENS: Option<readonly number[]> = {
  name: 'tokens',
  placeholder: 'IDS',
  help: 'token ids instead of text: 9707,1917',
  parse: parseTokens,
};
export const CHAT: Flag = { name: 'chat', help: "wrap the prompt as one user turn of the file's chat template" };
export const ARMS: DefaultedOption<readonly RunArm[]> = {
  name: 'arms',
  placeholder: 'LIST',
  help: `one or two of ${RUN_ARM_IDS.join(', ')}: the arm under test, then the reference, in this order however written; one alone captures without comparing`,
  parse: parseArms,
  suggests: [...RUN_ARM_IDS, 'gpu,cpu'],
  byDefault: 'gpu,cpu',
};
export const MODE: DefaultedOption<'free' | 'isolated' | 'both'> = {
  name: 'mode',
  placeholder: 'MODE',
  help: "free: each arm feeds itself; isolated: each stage is fed the reference's input, so only its own error is left; both",
  parse: parseChoice(['free', 'isolated', 'both']),
  byDefault: 'both',
};
export const STAGES_OPTION: DefaultedOption<string> = {
  name: 'stages',
  placeholder: 'LIST',
  help: 'stages to compare, by name, separated by commas, or all',
  parse: parseText,
  suggests: ['all', ...STAGES.map(({ id }) => id)],
  byDefault: 'all',
};
export const LAYERS: DefaultedOption<string> = {
  name: 'layers',
  placeholder: 'A..B',
  help: 'layers to compare, from 0, B excluded; all, or one number',
  parse: parseText,
  byDefault: 'all',
};
export const POSITIONS: DefaultedOption<string> = {
  name: 'positions',
  placeholder: 'A..B',
  help: 'prompt positions to compare, from 0, B excluded; all, last, or one number',
  parse: parseText,
  byDefault: 'all',
};
export const SAVE_TENSOR: Option<string> = {
  name: 'save-tensor',
  placeholder: 'DIR',
  help: 'write every captured tensor under DIR/<arm>/layer-<N>/<stage>; one new folder tree a run',
  parse: parseText,
};
/** How `--save-tensor` writes. */
export const TENSOR_FORMATS = ['aprt', 'aprt-zip', 'npz', 'json', 'csv'] as const;
export type SaveFormat = (typeof TENSOR_FORMATS)[number];
export const FORMAT: DefaultedOption<SaveFormat> = {
  name: 'format',
  placeholder: 'FORMAT',
  help: 'how --save-tensor writes: aprt (one .bin a tensor), aprt-zip (the same tree in one file), or one file an arm: npz or json (with shapes and error bounds), csv (one line an element)',
  parse: parseChoice(TENSOR_FORMATS),
  byDefault: 'aprt',
};
export const JSON_FILE: Option<string> = {
  name: 'json',
  placeholder: 'FILE',
  help: 'write the result as JSON; - is standard output',
  parse: parseText,
};
export const CSV_FILE: Option<string> = {
  name: 'csv',
  placeholder: 'FILE',
  help: 'write the comparisons as CSV, one line a layer and stage; - is standard output',
  parse: parseText,
};
export const BASELINE: Option<string> = {
  name: 'baseline',
  placeholder: 'FILE',
  help: 'hold the run to an accepted one: bit for bit on the same adapter, within the limits that FILE gives with reasons on another; new flips and new values that are not finite always fail',
  parse: parseText,
};
export const UPDATE_BASELINE: Flag = {
  name: 'update-baseline',
  help: 'accept this run (suite: every run): write it to its baseline file, keep the limits set there, and print what changes',
};
export const JUNIT_FILE: Option<string> = {
  name: 'junit',
  placeholder: 'FILE',
  help: 'write the comparisons as JUnit XML, one test case a layer, stage and mode (merge: a run); - is standard output',
  parse: parseText,
};
export const MODEL_EXPLORER: Option<string> = {
  name: 'model-explorer',
  placeholder: 'FILE',
  help: 'write the comparisons as node data for Model Explorer, and FILE-graph.json, the graph that they colour',
  parse: parseText,
};
export const RUNTIME: DefaultedOption<'node' | 'browser' | 'auto'> = {
  name: 'runtime',
  placeholder: 'RUNTIME',
  help: 'node: WebGPU by Dawn; browser: headless Chromium; auto: node where it finds an adapter, else browser',
  parse: parseChoice(['node', 'browser', 'auto']),
  byDefault: 'auto',
};
export const ADAPTER: DefaultedOption<'any' | 'hardware' | 'software'> = {
  name: 'adapter',
  placeholder: 'KIND',
  help: 'which GPU will do: any, hardware (refuses SwiftShader and the like), software',
  parse: parseChoice(['any', 'hardware', 'software']),
  byDefault: 'any',
};
export const BUDGET: Option<number> = {
  name: 'budget',
  placeholder: 'SIZE',
  help: 'bytes of weights to keep on the GPU, for example 4GiB; default: what the adapter allows',
  parse: parseBytes,
};
export const INJECT: RepeatedOption<string> = {
  name: 'inject',
  placeholder: 'SPEC',
  help: `put a fault into the GPU arm, to see what is said of it: ${FAULT_FORM}; may be given several times; kinds: ${FAULTS.map((fault) => fault.kind).join(', ')}`,
  parse: (raw) => faultText(parseFault(raw)),
  repeats: true,
};
export const ROUTING: DefaultedOption<Routing> = {
  name: 'routing',
  placeholder: 'WHOSE',
  help: "whose experts the GPU arm uses: its own, or the reference's, so that drift is seen without flips",
  parse: parseChoice(ROUTINGS),
  byDefault: 'own',
};
export const QUIET: Flag = { name: 'quiet', help: 'no progress on standard error' };
export const HELP: Flag = { name: 'help', help: 'show this help' };
export const VERSION: Flag = { name: 'version', help: 'show the version' };
export const PORT: DefaultedOption<number> = {
  name: 'port',
  placeholder: 'PORT',
  help: 'port to listen on; the next free one when it is taken',
  parse: parsePort,
  byDefault: '4173',
};
export const HOST: DefaultedOption<string> = {
  name: 'host',
  placeholder: 'ADDRESS',
  help: 'address to listen on; WebGPU needs localhost or https',
  parse: parseText,
  byDefault: 'localhost',
};

export const COMMANDS = [
  {
    name: 'trace',
    operands: ['MODEL'],
    summary: 'run a prompt on both arms and say where they part',
    description:
      'Runs the forward pass of MODEL on the GPU and on the exact CPU reference, compares the tensor at every named stage of every layer, and names the first that is wrong. MODEL is a path, the first part of a split file, a URL whose server serves ranges, or sample:, the model that comes with MoEscope.',
    options: [
      PROMPT,
      TOKENS,
      PROMPT_FILE,
      CHAT,
      ARMS,
      MODE,
      ROUTING,
      STAGES_OPTION,
      LAYERS,
      POSITIONS,
      SAVE_TENSOR,
      FORMAT,
      JSON_FILE,
      CSV_FILE,
      JUNIT_FILE,
      HTML_FILE,
      SVG_FILE,
      PNG_FILE,
      WITH_PROMPT,
      MODEL_EXPLORER,
      BASELINE,
      UPDATE_BASELINE,
      INJECT,
      RUNTIME,
      ADAPTER,
      BUDGET,
      QUIET,
    ],
    examples: [
      'moescope trace model.gguf --prompt "What is 2+2?" --chat',
      'moescope trace model.gguf --tokens 9707,1917 --layers 0..4 --stages moe_router,moe_ffn_out --json -',
      'moescope trace model.gguf --prompt Hello --save-tensor out --format aprt --adapter hardware',
      'moescope trace model.gguf --prompt Hello --baseline accepted.json --junit results.xml --adapter hardware',
      'moescope trace model.gguf --prompt Hello --inject qtype-blind@layer=2 --inject nan@layer=4,tensor=attn_q',
      'moescope trace sample: --html report.html --png picture.png',
    ],
  },
  {
    name: 'diff',
    operands: ['A', 'B'],
    summary: 'compare two saved traces and say where they part',
    description:
      'Compares what --save-tensor wrote, or what another program dumped, as a live run compares its arms: A is under test, B is the reference. Each is a folder (a tree of .bin or .npy, the folder of one arm, archives side by side, or arrays named <ggml name>-<layer>.npy) or a file (ZIP, NPZ, trace JSON, CSV). Two single APRT files are compared element by element.',
    options: [
      ARM_A,
      ARM_B,
      STAGES_OPTION,
      LAYERS,
      COSINE,
      COMMON,
      DIFF_FORCE,
      DIFF_FORMAT,
      JSON_FILE,
      CSV_FILE,
      HTML_FILE,
      SVG_FILE,
      PNG_FILE,
      WITH_PROMPT,
      MODEL_EXPLORER,
      QUIET,
    ],
    examples: [
      'moescope diff out out --arm-a gpu --arm-b cpu',
      'moescope diff out/gpu.npz llamacpp-dump --common --json -',
      'moescope diff a/layer-3/moe_ffn_out.bin b/layer-3/moe_ffn_out.bin --format apr',
    ],
  },
  {
    name: 'suite',
    operands: ['SUITE'],
    summary: 'run every model with every prompt of a suite, or one shard of it',
    description:
      'Runs every model with every prompt in every mode that the suite file names, each as trace would, and writes what each came to. On several machines each takes a shard; moescope merge joins them.',
    options: [
      OUT,
      SHARD,
      SECONDS,
      RESUME,
      RETRIES,
      BASELINES,
      UPDATE_BASELINE,
      REPORTS,
      JSON_FILE,
      RUNTIME,
      ADAPTER,
      QUIET,
    ],
    examples: [
      'moescope suite suite.json --out all.json --baselines accepted/',
      'moescope suite suite.json --shard 2/3 --out shard-2.json --resume',
    ],
  },
  {
    name: 'merge',
    operands: ['SHARD...'],
    summary: 'join the results of shards, and of different adapters',
    description:
      'Joins what moescope suite wrote into one report in the order of the suite. A run that no shard ended is lost, and fails. Results of several adapters stand side by side, with a table of every two of them.',
    options: [JSON_FILE, JUNIT_FILE, SUMMARY_FILE],
    examples: ['moescope merge shard-*.json --json merged.json --junit results.xml'],
  },
  {
    name: 'inspect',
    operands: ['MODEL'],
    summary: 'show what a model file holds, from its header alone',
    description:
      'Prints the model card: architecture, sizes, and how many tensors and bytes each quantisation type has.',
    options: [JSON_FILE],
    examples: ['moescope inspect model.gguf', 'moescope inspect model-00001-of-00003.gguf --json -'],
  },
  {
    name: 'generate',
    operands: ['MODEL'],
    summary: 'continue a prompt, greedily',
    description:
      'Runs MODEL on a prompt and writes what it says next as it comes, the likeliest token each time, on the GPU or on the exact reference. Text goes to standard output, everything else to standard error. MODEL is as for trace.',
    options: [PROMPT, PROMPT_FILE, IDS, CHAT, COUNT, ARM, DECODER, ADAPTER, BUDGET, JSON_FILE, QUIET],
    examples: [
      'moescope generate model.gguf --prompt "Why is the sky blue?" --chat --tokens 256',
      'moescope generate sample: --prompt "Once upon a time" --tokens 24 --arm cpu',
      'moescope generate model.gguf --prompt-file prompt.txt --json -',
    ],
  },
  {
    name: 'bench',
    operands: ['MODEL'],
    summary: 'measure how fast one arm is on this machine',
    description:
      "Runs seeded tokens through one arm and measures loading, prompts, decoding, what tracing adds, how much of the adapter's copy bandwidth the weights use, and, where the adapter has timestamps, the share of each kernel. Nothing is compared.",
    options: [ARM, DECODER, PROMPT_TOKENS, NEW_TOKENS, REPEATS, ADAPTER, BUDGET, JSON_FILE, QUIET],
    examples: [
      'moescope bench model.gguf --budget 24GiB --json bench.json',
      'moescope bench model.gguf --arm cpu --prompt-tokens 12 --new-tokens 4 --repeats 1',
    ],
  },
  {
    name: 'selftest',
    operands: [],
    summary: "hold every kernel against its plain twin on this machine's GPU, without a model",
    description:
      "Runs every kernel with every quantisation type on awkward shapes and holds each value to what an honest f32 kernel may be off by (docs/selftest.md), so that a driver's bug can be told from a model's. Exits with 1 when a case is out of its bound.",
    options: [KERNEL, WEIGHT_TYPE, ALL, CASES, RUNTIME, ADAPTER, JSON_FILE, QUIET],
    examples: [
      'moescope selftest',
      'moescope selftest --adapter hardware --json selftest.json',
      'moescope selftest --kernel matmul_tile,decode/ --type q4_k,q6_k --cases',
    ],
  },
  {
    name: 'serve',
    operands: [],
    summary: 'serve the page on this machine',
    description: 'Serves the built page with the security headers and byte ranges that it needs, until interrupted.',
    options: [PORT, HOST, JSON_FILE],
    examples: ['moescope serve', 'moescope serve --port 8080'],
  },
  {
    name: 'make-model',
    operands: ['OUT'],
    summary: 'write a model of random weights, of any shape and type',
    description:
      'Writes a valid Qwen3-MoE file of seeded random weights with a tokenizer of its own, as fast as the disk takes it: for timing, and for trying sizes and types that nobody has released. It runs like a trained model of its shape and says nothing sensible.',
    options: [
      SHAPE,
      TYPE,
      SEED,
      SPLIT,
      N_LAYER,
      N_EMBD,
      N_HEAD,
      N_HEAD_KV,
      HEAD_DIM,
      N_EXPERT,
      N_EXPERT_USED,
      N_FF_EXP,
      N_VOCAB,
      TIED,
      THETA,
      EPS,
      FORCE,
      JSON_FILE,
      QUIET,
    ],
    examples: [
      'moescope make-model tiny.gguf',
      'moescope make-model big.gguf --shape qwen3-30b-a3b --type q4_k_m',
      'moescope make-model out.gguf --shape qwen3-30b-a3b --layers 2 --type q8_0 --seed 7 --split 3',
    ],
  },
  {
    name: 'completion',
    operands: ['SHELL'],
    summary: `print what completes commands and options in ${SHELL_NAMES.join(', ')}`,
    description: `Prints a script for ${SHELL_NAMES.join(', ')} that completes commands, options and the values of options that have a list of them. bash: source <(moescope completion bash). zsh: save it as _moescope in a folder of $fpath. fish: save it as ~/.config/fish/completions/moescope.fish.`,
    options: [],
    examples: ['moescope completion bash', 'moescope completion zsh', 'moescope completion fish'],
  },
] as const satisfies readonly CommandSpec[];

export type CommandName = (typeof COMMANDS)[number]['name'];

/** The command with this name. */
export function findCommand(name: string): (CommandSpec & { readonly name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}
