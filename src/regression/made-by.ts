/**
 * What made a result: all that its bits, its verdict or its right to be believed hang on, beside the adapter that ran. An old result stands for a new run only
 * where all of it is the same.
 */
export interface MadeBy {
  /** SHA-256 of the model: of the whole of a small file, of header, size and samples of a large one. The same on every machine. */
  readonly model: string;
  /** What this machine's disk or the server says of the file's age: times of writing and of change, or ETag and Last-Modified. Not compared between machines. */
  readonly modelState: string;
  /** SHA-256 of prompt, mode, stages, layers, positions and faults. */
  readonly options: string;
  /** The kind of adapter that was demanded, and where it was to run. */
  readonly adapter: string;
  readonly runtime: string;
  /** SHA-256 of the baseline that the run was held to; `none` where none was asked for, `accepted` where the run was made the baseline. */
  readonly baseline: string;
  /** Name, version and commit. */
  readonly tool: string;
}

const WORDS: readonly (readonly [keyof MadeBy, string])[] = [
  ['tool', 'the version of MoEscope'],
  ['model', 'the model'],
  ['modelState', "the model's file was written since"],
  ['options', 'the prompt or the options'],
  ['adapter', 'the adapter that is demanded'],
  ['runtime', 'the runtime that is asked for'],
  ['baseline', 'the baseline'],
];

/** Why an old result does not stand for a run that would be made so now; undefined where it does. */
export function whatChanged(before: MadeBy | undefined, now: MadeBy | undefined): string | undefined {
  if (before === undefined) return 'its result does not say what made it';
  if (now === undefined) return 'what it would be made of cannot be read';
  const [name, words] = WORDS.find(([field]) => before[field] !== now[field]) ?? [];
  if (name === undefined || words === undefined) return undefined;
  return name === 'modelState' ? words : `${words} changed`;
}
