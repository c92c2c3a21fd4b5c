import { LIVE_ENGINES, type LiveEngineId } from './live';

/**
 * THE ENGINES that can run here. Of two in a run, the later in this table is the reference: the exact one wherever it takes part.
 * `name` is what command line, reports and texts call an engine; `id` is the name of its folder in saved tensors and of its traces since 0.1.
 */
export const ENGINES = [
  { id: 'gpu', name: 'gpu', title: 'GPU', what: 'WGSL kernels on WebGPU, f32 throughout' },
  {
    id: 'cpu-ggml',
    name: 'ggml',
    title: 'llama.cpp-like',
    what: "the reference's products of activations quantised as llama.cpp's CPU does",
  },
  {
    id: 'exact-gpu',
    name: 'exact-gpu',
    title: 'reference on the GPU',
    what: 'exact: integer sums on the GPU, rounded to f64 once',
  },
  { id: 'cpu', name: 'exact', title: 'reference', what: 'exact: f64 from the dequantised weights on' },
] as const satisfies readonly {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly what: string;
}[];

export type BuiltInEngineId = (typeof ENGINES)[number]['id'];
/** Of a run: one of the table, or a live llama.cpp, which runs under Node alone. */
export type RunEngineId = BuiltInEngineId | LiveEngineId;

export const ENGINE_IDS: readonly BuiltInEngineId[] = ENGINES.map((engine) => engine.id);
export const ENGINE_NAMES: readonly string[] = ENGINES.map((engine) => engine.name);

/** What people call an engine: `exact` of `cpu`; of one that does not run here, its own name. */
export function engineName(id: string): string {
  return ENGINES.find((engine) => engine.id === id)?.name ?? id;
}

/** The engine of this name, or of this id, as 0.1 asked for it; blanks around it and capitals do not count. */
export function engineOfName(word: string): BuiltInEngineId | undefined {
  const wanted = word.trim().toLowerCase();
  return ENGINES.find(({ name, id }) => name === wanted || id === wanted)?.id;
}

/** These in the order of a run: live engines, which are never a reference, then those of the table. */
export function inEngineOrder(engines: readonly RunEngineId[]): readonly RunEngineId[] {
  return [...LIVE_ENGINES, ...ENGINE_IDS].filter((engine) => engines.includes(engine));
}

/** Who is held to whom. */
export interface RunSides {
  /** Undefined: the reference runs alone. */
  readonly candidate: RunEngineId | undefined;
  /** Undefined: the candidate runs alone. */
  readonly reference: RunEngineId | undefined;
}

/** The sides of a run of these engines, in the order of a run. Alone the exact engine is a reference, the one on the GPU a candidate. */
export function sidesOfRun(engines: readonly RunEngineId[]): RunSides {
  const [first, second] = engines;
  return second === undefined && first === 'cpu'
    ? { candidate: undefined, reference: first }
    : { candidate: first, reference: second };
}

/** At most this many take part in a run. */
export const MOST_ENGINES = 2;

/** Whether the derived bounds of an f32 kernel hold for an engine: those of other numerics are compared by the cosine. */
export function isF32(engine: string): boolean {
  return engine === 'gpu';
}
