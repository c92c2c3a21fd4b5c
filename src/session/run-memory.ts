import { keptStages } from '../arch/walk';
import { rowLength, type ModelGraph } from '../arch/graph';
import { fail } from '../base/errors';
import { formatBytes, formatCount } from '../base/format';
import { modesOf } from '../divergence/run-mode';
import type { CaptureRequest, Capture } from '../model/engine';
import { graphOf, sizesOf, stageNode } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import { isLive } from '../model/live';
import { parsePlan, type TracePlan } from '../model/plan';
import type { StageId } from '../model/stages';
import type { RunSpec } from './events';
import { stepCaptures, type StepName } from './step-captures';

/** What the captures of a run need of this machine's memory, known before it begins. Bytes. */
export interface RunMemory {
  /** Captures of the largest step, of all engines, with bounds and exact values: what the report says as `traceBytes`. */
  readonly traceBytes: number;
  /** The most at one time: captures, what they are copied from, and keys and values of the reference. */
  readonly needBytes: number;
}

type Asked = Pick<RunSpec, 'engines' | 'mode' | 'stages' | 'layers' | 'positions'>;

/** Bytes of a captured value, and of its bound. */
const VALUE = 4;
/** Bytes of the reference's values as it computes them. */
const EXACT = 8;

/** @throws TracerError `plan-*` */
export function runMemory(asked: Asked, hparams: HParams, nTokens: number): RunMemory {
  return memoryOf(asked, parsePlan(asked, hparams, nTokens), hparams, nTokens);
}

/**
 * Refuses a prompt whose captures this machine cannot hold.
 * @param available bytes; undefined where nobody knows
 * @throws TracerError `prompt-length`, which says how long a prompt may be
 */
export function checkMemory(asked: Asked, hparams: HParams, nTokens: number, available: number | undefined): void {
  const { needBytes } = runMemory(asked, hparams, nTokens);
  if (available === undefined || needBytes <= available) return;
  const longest = longestThatFits(asked, hparams, nTokens, available);
  throw fail(
    'prompt-length',
    `The prompt has ${formatCount(nTokens)} tokens; the captures of a layer would take ${formatBytes(needBytes)}, and this machine has ${formatBytes(available)}.`,
    `Capture fewer positions (last, A..B) or stages, or run at most ${formatCount(longest)} tokens.`,
    { tokens: nTokens, bytes: needBytes, limit: available, longest },
  );
}

/** Tokens of the longest beginning of a prompt that fits. */
export function longestThatFits(asked: Asked, hparams: HParams, nTokens: number, available: number): number {
  const plan = parsePlan(asked, hparams, nTokens);
  const isLast = plan.positions.length === 1 && plan.positions[0] === nTokens - 1;
  let [fits, tooLong] = [0, nTokens];
  while (tooLong - fits > 1) {
    const length = (fits + tooLong) >> 1;
    const positions = isLast ? [length - 1] : plan.positions.filter((position) => position < length);
    const { needBytes } = memoryOf(asked, { ...plan, positions }, hparams, length);
    if (needBytes <= available) fits = length;
    else tooLong = length;
  }
  return fits;
}

/** Bytes of the captures of the current step, which are dropped when it ends. */
export function captureBytes(captures: ReadonlyMap<StageId, Capture> | undefined): number {
  let bytes = 0;
  for (const captured of captures?.values() ?? [])
    bytes += captured.data.byteLength + (captured.bound?.byteLength ?? 0);
  return bytes;
}

function memoryOf({ engines, mode }: Asked, plan: TracePlan, hparams: HParams, nTokens: number): RunMemory {
  const { graph } = graphOf(hparams);
  const modes = engines.length > 1 ? modesOf(mode) : new Set(['free']);
  const [isolate, local] = [modes.has('isolated'), modes.has('local')];
  const needs = { isolate, local, forced: false, kept: keptStages(graph) };
  let traceBytes = 0;
  let copies = 0;
  const steps: readonly StepName[] = ['embed', ...differentLayers(graph, plan), 'end'];
  for (const step of steps) {
    const { planned, free, reference, isolated } = stepCaptures(plan, hparams, step, nTokens, needs);
    const layer = typeof step === 'number' ? step : undefined;
    const sizes = (request: CaptureRequest): readonly number[] =>
      [...request].map(([stage, at]) => at.length * widthOf(hparams, stage, layer, nTokens));
    const judged = new Map(planned.map((stage) => [stage, plan.positions] as const));
    const truth = local ? 2 * VALUE * sum(sizes(judged)) : 0;
    const two = engines.length > 1;
    const runsOwn = two ? local || modes.has('free') : isOfCandidate(engines[0]);
    const own = runsOwn ? VALUE * sum(sizes(free)) : 0;
    const ofReference = two || !runsOwn ? VALUE * (isolate ? 2 : 1) * sum(sizes(reference)) : 0;
    traceBytes = Math.max(traceBytes, own + ofReference + truth + VALUE * sum(sizes(isolated)));
    // The candidate's next step waits in staging memory; the reference's largest value is there exactly, with its bound.
    copies = Math.max(copies, 2 * own + 2 * EXACT * Math.max(0, ...sizes(reference)));
  }
  const states = graph.layers.flatMap(({ nodes }) => nodes.flatMap(({ writes }) => writes ?? []));
  const kept = states.reduce((bytes, { value }) => bytes + EXACT * nTokens * rowLength(value, graph.sizes, 0), 0);
  return { traceBytes, needBytes: traceBytes + copies + kept };
}

/** One of each kind of layer: most have the same values as others, and the page asks for this memory at each change. */
function differentLayers({ layers }: ModelGraph, plan: TracePlan): readonly number[] {
  const kinds = new Map<string, number>();
  for (const { layer, nodes } of layers) {
    const values = nodes.map(({ out }) => `${out.id}:${out.axes.join()}`);
    kinds.set(`${String(plan.layers.includes(layer))} ${values.join(' ')}`, layer);
  }
  return [...kinds.values()];
}

/** An engine that runs alone stands on the side that it is mostly on. */
function isOfCandidate(engine: RunSpec['engines'][number] | undefined): boolean {
  return engine === 'gpu' || (engine !== undefined && isLive(engine));
}

function widthOf(hparams: HParams, stage: StageId, layer: number | undefined, nTokens: number): number {
  const node = stageNode(hparams, stage, layer);
  return node === undefined ? 0 : rowLength(node.out, sizesOf(hparams), nTokens);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
