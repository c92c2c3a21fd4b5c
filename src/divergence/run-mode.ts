/**
 * Which error of a stage a row holds. `free`: each side feeds itself. `isolated`: the candidate's kernel was fed the reference's inputs.
 * `local`: the candidate's own value against the exact value of its own captured inputs.
 */
export const COMPARE_MODES = ['free', 'isolated', 'local'] as const;
export type CompareMode = (typeof COMPARE_MODES)[number];

/** What a run compares: any of the three errors of a stage. `both` is the older word for `isolated,free`. */
export const RUN_MODES = [
  'local,free',
  'local',
  'isolated',
  'free',
  'both',
  'local,isolated',
  'local,isolated,free',
] as const;
export type RunMode = (typeof RUN_MODES)[number];

/** What a run compares unless told otherwise: the run as it is, stage by stage, and what became of it. */
export const DEFAULT_MODE: RunMode = 'local,free';

const ORDER = ['local', 'isolated', 'free'] as const satisfies readonly CompareMode[];

/** The errors that a mode measures. */
export function modesOf(mode: RunMode): ReadonlySet<CompareMode> {
  const words = (mode === 'both' ? 'isolated,free' : mode).split(',');
  return new Set(COMPARE_MODES.filter((id) => words.includes(id)));
}

/** The mode that measures these; undefined for none. */
export function runModeOf(modes: Iterable<CompareMode>): RunMode | undefined {
  const asked = new Set(modes);
  const words = ORDER.filter((id) => asked.has(id)).join();
  return RUN_MODES.find((id) => id === (words === 'isolated,free' ? 'both' : words));
}

/** A mode as people write it: its words in any order, separated by commas. Undefined for what is none. */
export function parseRunMode(text: string): RunMode | undefined {
  const words = text.split(',').flatMap((word) => (word.trim() === 'both' ? ['isolated', 'free'] : [word.trim()]));
  const known = words.flatMap((word) => ORDER.filter((id) => id === word));
  return known.length === words.length ? runModeOf(known) : undefined;
}

const TITLES = { local: 'local', isolated: 'isolated', free: 'free-running' } as const;

/** `free-running and local` */
export function modeWords(mode: RunMode): string {
  const words = [...modesOf(mode)].map((id) => TITLES[id]);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`;
}
