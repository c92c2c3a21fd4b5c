import { STAGES } from '../../model/stages';
import { DEFAULT_PROMPT } from '../files/prompt';
import {
  parseBytes,
  parseChoice,
  parseText,
  type DefaultedOption,
  type Flag,
  type Option,
  type RepeatedOption,
} from './option';

/** The options that more than one command has. */
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
export const CHAT: Flag = { name: 'chat', help: "wrap the prompt as one user turn of the file's chat template" };
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
export const JUNIT_FILE: Option<string> = {
  name: 'junit',
  placeholder: 'FILE',
  help: 'write the comparisons as JUnit XML, one test case a layer, stage and mode (merge: a run); - is standard output',
  parse: parseText,
};
export const SUMMARY_FILE: Option<string> = {
  name: 'summary',
  placeholder: 'FILE',
  help: 'write tables and charts as Markdown, for a job summary; - is standard output',
  parse: parseText,
};
export const MODEL_EXPLORER: Option<string> = {
  name: 'model-explorer',
  placeholder: 'FILE',
  help: 'write the comparisons as node data for Model Explorer, and FILE-graph.json, the graph that they colour',
  parse: parseText,
};
export const UPDATE_BASELINE: Flag = {
  name: 'update-baseline',
  help: 'accept this run (suite: every run): write it to its baseline file, keep the limits set there, and print what changes',
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
export const DEVICE: Option<string> = {
  name: 'device',
  placeholder: 'NAME',
  help: 'which GPU under Node, where there are several: its number in the list of moescope doctor, or a part of its name',
  parse: parseText,
};
export const HEADER: RepeatedOption<string> = {
  name: 'header',
  placeholder: 'LINE',
  help: "send this header to the model's address, for example 'Authorization: Bearer TOKEN'; @FILE reads one a line from a file; to the address's own origin only, over https; may be given several times",
  parse: parseText,
  repeats: true,
};
export const BUDGET: Option<number> = {
  name: 'budget',
  placeholder: 'SIZE',
  help: 'bytes of weights to keep on the GPU, for example 4GiB; default: what the adapter allows',
  parse: parseBytes,
};
export const VERBOSE: Flag = {
  name: 'verbose',
  short: 'v',
  help: 'tell more on standard error: phases, layers, bytes, memory; of an error what it came from',
};
export const QUIET: Flag = { name: 'quiet', help: 'no progress on standard error' };
export const HELP: Flag = { name: 'help', short: 'h', help: 'show this help' };
export const VERSION: Flag = { name: 'version', help: 'show the version' };
