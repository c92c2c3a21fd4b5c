import type { CaptureRequest } from '../model/engine';
import { plannedStages, type TracePlan } from '../model/plan';
import { stageNode, stagesOfStep } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import { isBeforeLayers, stageOrder, stageSpec, type StageId } from '../model/stages';
import { CHOICE, CHOSEN_EXPERTS, EMBEDDING, LAYER_OUTPUT, LOGITS, ROUTER_WEIGHTS } from '../model/stage-roles';

/** The routing of a token is compared in every layer, so that divergence after a flip is told from a fault. */
export const ROUTING: readonly StageId[] = [...CHOICE, CHOSEN_EXPERTS, ROUTER_WEIGHTS];

export interface StepCaptures {
  /** Stages that the plan reports for this step, forward order; includes names that do not apply to the model. */
  readonly planned: readonly StageId[];
  /** For an engine that feeds itself; with local errors it also holds every input of the planned stages. */
  readonly free: CaptureRequest;
  /** For the reference; with isolation it also holds every input of the planned stages, at all positions. */
  readonly reference: CaptureRequest;
  /** For the isolated pass of the candidate; empty when there is none. */
  readonly isolated: CaptureRequest;
}

/** One forward step: the embedding, a layer, or the end (final norm and head). */
export type StepName = 'embed' | number | 'end';

/** What each engine captures in one step, beyond the plan. */
export interface CaptureNeeds {
  /** Stages are also run alone, fed with the reference's. */
  readonly isolate: boolean;
  /** Stages of the candidate are held against the exact value of its own inputs. */
  readonly local?: boolean;
  /** Stages whose values are kept from step to step, with how many positions before its own a reader reads (`keptStages`). */
  readonly kept?: ReadonlyMap<string, number>;
  /** The candidate is given the reference's experts. */
  readonly forced: boolean;
  /** The candidate may lose its device: its residual stream is read back after each step, so that another can take up from there. */
  readonly resumable?: boolean;
}

/** What each engine captures in one step. `nTokens` is the length of the prompt. */
export function stepCaptures(
  plan: TracePlan,
  hparams: HParams,
  step: StepName,
  nTokens: number,
  needs: CaptureNeeds,
): StepCaptures {
  const { isolate, forced, local = false, kept = new Map(), resumable = false } = needs;
  const all = Array.from({ length: nTokens }, (_, i) => i);
  const active = activeStages(plan, hparams, step);
  const own = typeof step === 'number' ? stagesOfStep(hparams, step) : [];
  const routing = ROUTING.filter((id) => own.includes(id));
  const free = new Map<StageId, readonly number[]>();
  for (const id of [...active, ...routing]) free.set(id, plan.positions);
  if (step === 'end') free.set(LOGITS, headPositions(plan, nTokens));
  const reference = new Map(free);
  // What a recurrence keeps is too large to be captured where nobody reads it.
  const read = (id: StageId): readonly number[] => positionsRead(plan.positions, kept.get(id) ?? 0);
  if (isolate)
    for (const id of inputsOf(active, hparams, step)) reference.set(id, isRecurrent(hparams, id) ? read(id) : all);
  if (forced && own.includes(CHOSEN_EXPERTS)) reference.set(CHOSEN_EXPERTS, all);
  if (local) for (const id of inputsOf(active, hparams, step)) free.set(id, read(id));
  if (resumable && step !== 'end') free.set(step === 'embed' ? EMBEDDING : LAYER_OUTPUT, all);
  const isPlanned = typeof step === 'number' && plan.layers.includes(step);
  const named = isPlanned ? plan.stages.filter((id) => stageSpec(id).scope === 'layer' && !own.includes(id)) : [];
  return {
    planned: [...active, ...named].sort((x, y) => stageOrder(x) - stageOrder(y)),
    free,
    reference,
    isolated: new Map(isolate ? active.map((id) => [id, plan.positions] as const) : []),
  };
}

function activeStages(plan: TracePlan, hparams: HParams, step: StepName): readonly StageId[] {
  if (typeof step === 'number') return plannedStages(plan, hparams, step);
  return plannedStages(plan, hparams, undefined).filter((id) => isBeforeLayers(id) === (step === 'embed'));
}

/** The head is computed at the last position whatever the plan says: for the top tokens. */
function headPositions(plan: TracePlan, nTokens: number): readonly number[] {
  const planned = plan.stages.includes(LOGITS) ? plan.positions : [];
  return planned.includes(nTokens - 1) ? planned : [...planned, nTokens - 1];
}

/** Positions, ascending as those that are judged, at which stages are read `reach` positions back from each. */
function positionsRead(judged: readonly number[], reach: number): readonly number[] {
  if (reach === 0) return judged;
  const read: number[] = [];
  for (const last of judged) {
    for (let p = Math.max(0, last - reach, (read.at(-1) ?? -1) + 1); p <= last; p++) read.push(p);
  }
  return read;
}

function isRecurrent(hparams: HParams, id: StageId): boolean {
  return stageNode(hparams, id)?.out.recurrent === true;
}

/** What stages alone read. Its `layer_input` is the previous step's output, so each step's own output is captured too. */
function inputsOf(stages: readonly StageId[], hparams: HParams, step: StepName): ReadonlySet<StageId> {
  const layer = typeof step === 'number' ? step : undefined;
  const nodes = stages.flatMap((id) => stageNode(hparams, id, layer) ?? []);
  const inputs = new Set(
    nodes.flatMap((node) => [...node.inputs, ...node.reads.map(({ value }) => value)].map(({ id }) => id)),
  );
  const needed = new Set(stagesOfStep(hparams, layer).filter((id) => inputs.has(id)));
  if (step === 'embed') needed.add(EMBEDDING);
  if (typeof step === 'number') needed.add(LAYER_OUTPUT);
  return needed;
}
