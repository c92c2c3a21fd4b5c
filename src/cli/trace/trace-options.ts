import { DEFAULT_MODE, parseRunMode, RUN_MODES, type RunMode } from '../../divergence/run-mode';
import { REPORT_SCHEMAS, type ReportSchema } from '../../divergence/report-json';
import { ENGINE_NAMES, type RunEngineId } from '../../model/engines';
import { FAULTS } from '../../model/faults';
import { FAULT_FORM, faultText, parseFault } from '../../model/parse-fault';
import { DECODERS, type DecoderChoice } from '../../session/decoded-by';
import { ROUTINGS, type Routing } from '../../session/events';
import {
  badValue,
  parseEngines,
  parseChoice,
  parseCount,
  parseText,
  parseTokens,
  parseWhole,
  type DefaultedOption,
  type Flag,
  type Option,
  type RepeatedOption,
} from '../command-line/option';

/** The options of `trace` that no other command has. */
export const TOKENS: Option<readonly number[]> = {
  name: 'tokens',
  placeholder: 'IDS',
  help: 'token ids instead of text: 9707,1917',
  parse: parseTokens,
};
export const ENGINES: Option<readonly RunEngineId[]> = {
  name: 'engines',
  was: 'arms',
  placeholder: 'LIST',
  help: `one or two of ${ENGINE_NAMES.join(', ')}: the engine under test, then the reference, in this order however written; one alone captures without comparing; gpu,exact unless --candidate says otherwise`,
  parse: parseEngines,
  suggests: [...ENGINE_NAMES, 'gpu,exact'],
};
export const MODE: Option<RunMode> = {
  name: 'mode',
  placeholder: 'LIST',
  help: `any of local, isolated, free. local: each stage of the run as it was, against the exact value of its own inputs; isolated: each stage once more, fed the reference's inputs; free: each engine feeds itself. ${DEFAULT_MODE} when left out; both is isolated,free`,
  parse: (raw, flag) => {
    const mode = parseRunMode(raw.trim().toLowerCase());
    if (mode === undefined) throw badValue(flag, raw, 'any of local, isolated, free, separated by commas, or both');
    return mode;
  },
  suggests: RUN_MODES,
};
export const DECODE: Option<number> = {
  name: 'decode',
  placeholder: 'N',
  help: 'go on behind the prompt for N tokens, chosen greedily by the GPU engine and again by its fast decoder, and judge every stage of each by its own inputs too; needs the mode local',
  parse: parseCount,
};
export const THOROUGH: Flag = {
  name: 'thorough',
  help: 'try every way of running the GPU engine: tokens by the engine and by the fast decoder (4, or as --decode says), a prompt as two, the weights used again, evicted, cut into short submits, all resident, attention that stores no scores; the report says what was covered',
};
export const DECODER: DefaultedOption<DecoderChoice> = {
  name: 'decoder',
  placeholder: 'WHICH',
  help: 'of --decode: whether the fast decoder is judged beside the engine: fast (wherever it can serve), auto (where generate would use it), engine (not)',
  parse: parseChoice(DECODERS),
  byDefault: 'fast',
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
  help: 'write every captured tensor under DIR/<engine>/layer-<N>/<stage>; one new folder tree a run',
  parse: parseText,
};
/** How `--save-tensor` writes. */
export const TENSOR_FORMATS = ['aprt', 'aprt-zip', 'npz', 'json', 'csv'] as const;
export type SaveFormat = (typeof TENSOR_FORMATS)[number];
export const FORMAT: DefaultedOption<SaveFormat> = {
  name: 'format',
  placeholder: 'FORMAT',
  help: 'how --save-tensor writes: aprt (one .bin a tensor), aprt-zip (the same tree in one file), or one file an engine: npz or json (with shapes and error bounds), csv (one line an element)',
  parse: parseChoice(TENSOR_FORMATS),
  byDefault: 'aprt',
};
export const REPEAT: Option<number> = {
  name: 'repeat',
  placeholder: 'N',
  help: 'run the candidate N times in all; bits that change from run to run (a race in a kernel) fail the run as UNSTEADY, with the first stage and token where they do',
  parse: parseWhole(2),
};
export const SCHEMA: DefaultedOption<ReportSchema> = {
  name: 'schema',
  placeholder: 'N',
  help: 'the schema of --json: 2, or 1 for programs that read reports of the first edition',
  parse: parseChoice(REPORT_SCHEMAS),
  byDefault: '2',
};
export const BASELINE: Option<string> = {
  name: 'baseline',
  placeholder: 'FILE',
  help: 'hold the run to an accepted one: bit for bit on the same adapter, within the limits that FILE gives with reasons on another; new flips and new values that are not finite always fail',
  parse: parseText,
};
export const INJECT: RepeatedOption<string> = {
  name: 'inject',
  placeholder: 'SPEC',
  help: `put a fault into the GPU engine, to see what is said of it: ${FAULT_FORM}; may be given several times; kinds: ${FAULTS.map((fault) => fault.kind).join(', ')}`,
  parse: (raw) => faultText(parseFault(raw)),
  repeats: true,
};
export const ROUTING: DefaultedOption<Routing> = {
  name: 'routing',
  placeholder: 'WHOSE',
  help: "whose experts the GPU engine uses: its own, or the reference's, so that drift is seen without flips",
  parse: parseChoice(ROUTINGS),
  byDefault: 'own',
};
