/**
 * THE PATHS: ways in which people run an engine, each with code of its own that a first prompt alone does not meet. Help, the coverage of a report and
 * `--thorough` derive from them.
 */
export const RUN_PATHS = [
  { id: 'prompt', title: 'a prompt' },
  { id: 'token', title: 'tokens behind it, by the engine' },
  { id: 'decoder', title: 'tokens behind it, by the fast decoder' },
  { id: 'continued', title: 'a prompt that continues another' },
  { id: 'again', title: 'the same prompt again, its weights in place' },
  { id: 'evictions', title: 'a budget that does not hold the weights' },
  { id: 'slices', title: 'work cut into many short submits' },
  { id: 'resident', title: 'all weights on the GPU' },
  { id: 'tiled', title: 'attention that stores no scores' },
] as const;

export type RunPath = (typeof RUN_PATHS)[number]['id'];

/** A path for people. */
export function pathTitle(path: RunPath): string {
  return RUN_PATHS.find(({ id }) => id === path)?.title ?? path;
}
