import { fail } from '../base/errors';
import { redactedUrl } from '../base/redact-url';
import { parseRunMode, RUN_MODES, type RunMode } from '../divergence/run-mode';
import { faultText, parseFault } from '../model/parse-fault';
import { checkRange, parseStages } from '../model/plan';

/** Additive changes keep the number. */
export const SUITE_SCHEMA = 'moescope-suite/1';

export interface SuiteModel {
  readonly id: string;
  /** Path, relative to the suite's file, or address. */
  readonly file: string;
}

export type SuitePrompt =
  | { readonly id: string; readonly text: string; readonly chat?: boolean }
  | { readonly id: string; readonly tokens: readonly number[] };

/** Every model with every prompt in every mode. */
export interface Suite {
  readonly schema: typeof SUITE_SCHEMA;
  readonly models: readonly SuiteModel[];
  readonly prompts: readonly SuitePrompt[];
  readonly modes: readonly RunMode[];
  /** As the options of `trace`; all where left out. */
  readonly stages?: string;
  readonly layers?: string;
  readonly positions?: string;
  /** Faults put into every run, as `trace --inject` takes them: to see that a check can fail. */
  readonly inject?: readonly string[];
  /** Seconds that a run took when it was measured, by id: what shards are balanced by. Take them from a merged report. */
  readonly seconds?: Readonly<Record<string, number>>;
}

/** One run of a suite. */
export interface SuiteRun {
  /** `model/prompt/mode` */
  readonly id: string;
  readonly model: SuiteModel;
  readonly prompt: SuitePrompt;
  readonly mode: RunMode;
}

/** The suite as it may be kept and sent on: addresses of models without what opens doors. Two with other addresses stay two. */
export function redactedSuite(suite: Suite): Suite {
  return { ...suite, models: suite.models.map(({ id, file }) => ({ id, file: redactedUrl(file) })) };
}

/** Every run, in the order that reports keep. */
export function suiteRuns({ models, prompts, modes }: Suite): readonly SuiteRun[] {
  return models.flatMap((model) =>
    prompts.flatMap((prompt) => modes.map((mode) => ({ id: `${model.id}/${prompt.id}/${mode}`, model, prompt, mode }))),
  );
}

/** A text without the byte order mark that some editors put before it. */
export function withoutMark(text: string): string {
  return text.replace(/^\ufeff/, '');
}

/** Reads a suite. @throws TracerError `suite-format`, which says what is wrong where, `plan-stage`, `plan-range`, `fault-spec`. */
export function suiteFromJson(text: string): Suite {
  let value: unknown;
  try {
    value = JSON.parse(withoutMark(text));
  } catch (cause) {
    throw badSuite('it is not JSON', cause);
  }
  return readSuite(value);
}

/** The same of what JSON holds. @throws TracerError `suite-format`, `plan-stage`, `plan-range`, `fault-spec` */
export function readSuite(value: unknown): Suite {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badSuite('it is no object');
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(value));
  if (fields.get('schema') !== SUITE_SCHEMA) throw badSuite(`its schema is not ${SUITE_SCHEMA}`);
  const unknownField = [...fields.keys()].find((name) => !FIELDS.includes(name));
  if (unknownField !== undefined) throw badSuite(`there is no field "${unknownField}"`);
  const seconds = fields.get('seconds');
  const inject = fields.has('inject') ? listOf(fields, 'inject').map(readFault) : undefined;
  const suite: Suite = {
    schema: SUITE_SCHEMA,
    models: listOf(fields, 'models').map(readModel),
    prompts: listOf(fields, 'prompts').map(readPrompt),
    modes: fields.has('modes') ? listOf(fields, 'modes').map(readMode) : ['both'],
    ...optionalText(fields, 'stages'),
    ...optionalText(fields, 'layers'),
    ...optionalText(fields, 'positions'),
    ...(inject === undefined ? {} : { inject }),
    ...(seconds === undefined ? {} : { seconds: readSeconds(seconds) }),
  };
  // What is misspelt is reported before the first model is opened.
  if (suite.stages !== undefined) parseStages(suite.stages);
  if (suite.layers !== undefined) checkRange(suite.layers, 'layers');
  if (suite.positions !== undefined) checkRange(suite.positions, 'positions');
  const { models, prompts, modes } = suite;
  const count = models.length * prompts.length * modes.length;
  if (count > MOST_RUNS)
    throw badSuite(
      `${models.length} models, ${prompts.length} prompts and ${modes.length} modes are ${count} runs, more than ${MOST_RUNS}`,
    );
  const ids: readonly (readonly [string, readonly string[]])[] = [
    ['models', suite.models.map((model) => model.id)],
    ['prompts', suite.prompts.map((prompt) => prompt.id)],
    ['modes', suite.modes],
    // Files are named after runs, with dashes between the parts.
    ['runs', suiteRuns(suite).map((run) => run.id.replaceAll('/', '-'))],
  ];
  for (const [what, list] of ids) {
    const seen = new Set<string>();
    // Sets are quick where a list of thousands would be searched for each of its members.
    const twice = list.find((id) => seen.size === seen.add(id).size);
    if (twice !== undefined) throw badSuite(`${what} has "${twice}" twice`);
  }
  return suite;
}

/** Runs of one suite: beyond them, files of results take longer to write than runs to make. */
const MOST_RUNS = 100_000;

const FIELDS = ['schema', 'models', 'prompts', 'modes', 'stages', 'layers', 'positions', 'inject', 'seconds'];

function listOf(fields: ReadonlyMap<string, unknown>, name: string): readonly unknown[] {
  const list = fields.get(name);
  if (!Array.isArray(list) || list.length === 0) throw badSuite(`${name} is no list of at least one`);
  return list;
}

function readModel(entry: unknown, i: number): SuiteModel {
  const where = `models[${i}]`;
  checkFields(entry, ['id', 'file'], where);
  return { id: idOf(entry, where), file: textOf(entry, 'file', where) };
}

function readPrompt(entry: unknown, i: number): SuitePrompt {
  const where = `prompts[${i}]`;
  const id = idOf(entry, where);
  checkFields(entry, ['id', 'text', 'chat', 'tokens'], where);
  const tokens = fieldOf(entry, 'tokens');
  if (tokens === undefined) {
    const chat = fieldOf(entry, 'chat');
    if (chat !== undefined && typeof chat !== 'boolean') throw badSuite(`${where}.chat is neither true nor false`);
    return { id, text: textOf(entry, 'text', where), ...(chat === undefined ? {} : { chat }) };
  }
  const other = ['text', 'chat'].find((name) => fieldOf(entry, name) !== undefined);
  if (other !== undefined) throw badSuite(`${where} has tokens, which are run as they are, and ${other}`);
  const isToken = (token: unknown): token is number =>
    Number.isInteger(token) && Number(token) >= 0 && Number(token) <= MOST_TOKEN_ID;
  if (!Array.isArray(tokens) || tokens.length === 0 || !tokens.every(isToken)) {
    throw badSuite(`${where}.tokens is no list of token ids`);
  }
  return { id, tokens };
}

/** Ids are i32 in llama.cpp, and in every file. */
const MOST_TOKEN_ID = 2 ** 31 - 1;

/** A misspelt member must not be taken for one that is left out. */
function checkFields(entry: unknown, known: readonly string[], where: string): void {
  const names = typeof entry === 'object' && entry !== null ? Object.keys(entry) : [];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw badSuite(`${where} has no field "${unknown}"`);
}

function readMode(entry: unknown, i: number): RunMode {
  const mode = typeof entry === 'string' ? parseRunMode(entry) : undefined;
  if (mode === undefined) throw badSuite(`modes[${i}] is none of ${RUN_MODES.join(' ')}`);
  return mode;
}

function readFault(entry: unknown, i: number): string {
  if (typeof entry !== 'string') throw badSuite(`inject[${i}] is no text`);
  return faultText(parseFault(entry));
}

/** Reads `seconds`. @throws TracerError `suite-format` */
export function readSeconds(value: unknown): Readonly<Record<string, number>> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : undefined;
  const isFine = entries?.every(([, s]) => typeof s === 'number' && Number.isFinite(s) && s >= 0) === true;
  if (!isFine) throw badSuite('seconds is no table of numbers');
  return Object.fromEntries(entries ?? []);
}

/** Names of files and XML attributes are made of ids. */
function idOf(entry: unknown, where: string): string {
  const id = textOf(entry, 'id', where);
  if (!/^(?!\.)[\w.-]{1,80}$/.test(id))
    throw badSuite(`${where}.id may hold letters, digits, . _ and - only, no dot first`);
  return id;
}

function textOf(entry: unknown, name: string, where: string): string {
  const text = fieldOf(entry, name);
  if (typeof text !== 'string' || text === '') throw badSuite(`${where}.${name} is no text`);
  return text;
}

function fieldOf(entry: unknown, name: string): unknown {
  return typeof entry === 'object' && entry !== null ? new Map(Object.entries(entry)).get(name) : undefined;
}

function optionalText(
  fields: ReadonlyMap<string, unknown>,
  name: 'stages' | 'layers' | 'positions',
): Partial<Pick<Suite, typeof name>> {
  const text = fields.get(name);
  if (text === undefined) return {};
  if (typeof text !== 'string') throw badSuite(`${name} is no text`);
  return { [name]: text };
}

function badSuite(why: string, cause?: unknown): Error {
  return fail(
    'suite-format',
    `This is no suite: ${why}.`,
    'A suite has models [{id, file}], prompts [{id, text} or {id, tokens}] and modes; see docs/regression.md.',
    { why },
    cause,
  );
}
