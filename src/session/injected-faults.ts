import type { InjectedFault, NonFinite, RoutingRow, Row } from '../divergence/report';
import { short } from '../base/format';
import { faultStages, faultTensors, type Fault, type FaultKind } from '../model/faults';
import type { HParams } from '../model/hparams';
import { faultText } from '../model/parse-fault';
import type { TracePlan } from '../model/plan';
import { isBeforeLayers, stageOrder } from '../model/stages';
import { graphOf, sizesOf } from '../model/graph-of';
import { weightSlot } from '../model/weights';
import { sizeOf } from '../arch/graph';
import { EMBEDDING } from '../model/stage-roles';

/** What a run can say of the faults that were put in. */
export interface FaultView {
  readonly hparams: HParams;
  readonly plan: TracePlan;
  readonly nTokens: number;
  /** As compared, before victims are told apart. */
  readonly rows: readonly Row[];
  readonly routing: readonly RoutingRow[];
  readonly engines: readonly string[];
  /** Of the candidate. */
  readonly nonFinite: { readonly a: NonFinite | undefined };
}

/** For each fault whether the run shows it, and if not, why. */
export function injectedFaults(faults: readonly Fault[], view: FaultView): readonly InjectedFault[] {
  return faults.map((fault) => {
    const spec = faultText(fault);
    const why = whyUnseen(fault, view) ?? (shows(fault, view) ? undefined : withinBound(fault, view));
    return why === undefined ? { spec, visible: true } : { spec, visible: false, why };
  });
}

/** A clause for the sentence of a run whose faults cannot all be seen; empty where they can. */
export function unseenClause(injected: readonly InjectedFault[]): string {
  const unseen = injected.filter((fault) => !fault.visible);
  if (unseen.length === 0) return '';
  const list = unseen.map(({ spec, why }) => `${spec} (${why ?? 'unknown'})`).join(', ');
  return `; injected ${unseen.length === 1 ? 'fault' : 'faults'} not visible: ${list}`;
}

/** Why the fault cannot show whatever its size; undefined where it can. */
function whyUnseen(fault: Fault, view: FaultView): string | undefined {
  const { plan } = view;
  const { layer, position, expert } = fault;
  const stages = faultStages(fault, view.hparams);
  const structural = WHY_UNSEEN[fault.kind]?.(fault, view);
  if (structural !== undefined) return structural;
  if (view.engines.length < 2)
    return isNotFinite(fault, view) ? undefined : 'the engine runs alone: nothing is compared';
  // The free run may show what is not compared at its own stage.
  if (partedDownstream(fault, view)) return undefined;
  if (!plan.layers.includes(layer)) return `layer ${layer} is not compared`;
  if (!stages.some((stage) => plan.stages.includes(stage))) return `${stages.join(', ')} is not compared`;
  if (position !== undefined && !plan.positions.includes(position)) return `token ${position} is not compared`;
  if (expert === undefined) return undefined;
  const rows = view.routing.filter((row) => row.layer === layer && (position ?? row.position) === row.position);
  const chosen = rows.some(({ a, b }) => [a, b].some((choice) => choice?.experts.includes(expert)));
  if (chosen) return undefined;
  const who = position === undefined ? 'no compared token chose' : `token ${position} did not choose`;
  return `${who} expert ${expert} in layer ${layer}`;
}

type Why = (fault: Fault, view: FaultView) => string | undefined;

const unless = (visible: (view: FaultView, fault: Fault) => boolean, why: string): Why => {
  return (fault, view) => (visible(view, fault) ? undefined : why);
};
const someExpertLeftOut = unless(
  ({ hparams }) => hparams.nExpertUsed < hparams.nExpert,
  'every expert is chosen, so that the probabilities add up to 1 anyway',
);
const somePositionTurns = unless(
  ({ nTokens }, { position }) => (position ?? nTokens - 1) > 0,
  'position 0 is not rotated, whatever the angle',
);

const somePositionRemembers = unless(({ nTokens }) => nTokens > 1, 'before the first token a state is empty');
/** Tokens behind which `state-lost` drops a state. */
const LOST_EVERY = 64;

/** Shapes and prompts for which a fault changes no value. */
const WHY_UNSEEN: Partial<Record<FaultKind, Why>> = {
  'wrong-expert': unless(({ hparams }) => hparams.nExpert > 1, 'there is one expert only'),
  'no-renorm': someExpertLeftOut,
  'softmax-after-topk': someExpertLeftOut,
  'rope-interleaved': somePositionTurns,
  'rope-whole-head': (fault, view) =>
    sizesOf(view.hparams)['nRot'] === view.hparams.headDim
      ? 'the file rotates whole heads'
      : somePositionTurns(fault, view),
  'delta-heads': unless(({ hparams }) => {
    const { nHeadK = 1, nHeadV = 1 } = sizesOf(hparams);
    return nHeadK > 1 && nHeadK < nHeadV;
  }, 'with one head of keys, or one for each of values, both rules name the same'),
  'late-decay': somePositionRemembers,
  'no-difference': somePositionRemembers,
  'state-lost': unless(
    ({ nTokens, rows }) => nTokens > LOST_EVERY && rows.some(({ mode }) => mode !== 'isolated'),
    `the state is right for ${LOST_EVERY} tokens, and for stages that are fed`,
  ),
  'rope-theta': (fault, view) =>
    view.hparams.headDim === 2 ? 'the only pair turns by the position itself' : somePositionTurns(fault, view),
  'no-causal-mask': unless(({ nTokens }) => nTokens > 1, 'a prompt of one token has no later tokens'),
  'mask-off-by-one': unless(({ nTokens }) => nTokens > 1, 'a prompt of one token has no later tokens'),
  'gqa-modulo': unless(
    ({ hparams: { nHead, nHeadKv } }) => nHeadKv > 1 && nHeadKv < nHead,
    'with one kv head, or one for each head, both rules name the same',
  ),
  'off-by-one-row': unless(({ hparams }, fault) => rowsOf(fault, hparams) > 1, 'the matrix has one row'),
  'wrong-slot-weight': unless(({ hparams }) => hparams.nExpertUsed > 1, 'a token has one expert only'),
};

function rowsOf(fault: Fault, hparams: HParams): number {
  const [role] = faultTensors(fault);
  if (role === undefined) return 1;
  const dim = weightSlot(hparams, role, fault.layer).dims[1];
  return dim === undefined ? 1 : sizeOf(graphOf(hparams).graph.sizes, dim);
}

const WRONG: ReadonlySet<Row['verdict']> = new Set<Row['verdict']>(['diverge', 'nan-gpu']);

/** A row at one of the fault's own stages is wrong, or the free run parts from there on. */
function shows(fault: Fault, view: FaultView): boolean {
  return (
    isNotFinite(fault, view) ||
    ownRows(fault, view).some((row) => WRONG.has(row.verdict)) ||
    partedDownstream(fault, view)
  );
}

/** The engine's first value that is not finite is where the fault shows. */
function isNotFinite(fault: Fault, view: FaultView): boolean {
  const { a } = view.nonFinite;
  return a !== undefined && a.layer === fault.layer && faultStages(fault, view.hparams).includes(a.stage);
}

function ownRows(fault: Fault, view: FaultView): readonly Row[] {
  const stages = faultStages(fault, view.hparams);
  return view.rows.filter((row) => row.layer === fault.layer && stages.includes(row.stage));
}

/** Where a stage is wrong by itself, it and not this fault accounts for what parts downstream of both. */
function partedDownstream(fault: Fault, view: FaultView): boolean {
  const { rows } = view;
  if (rows.some(({ mode, verdict }) => mode !== 'free' && WRONG.has(verdict))) return false;
  const [stage = EMBEDDING] = faultStages(fault, view.hparams);
  return rows.some(
    ({ mode, layer, stage: at, verdict }) =>
      mode === 'free' &&
      WRONG.has(verdict) &&
      !isBeforeLayers(at) &&
      (layer === undefined || layer > fault.layer || (layer === fault.layer && stageOrder(at) >= stageOrder(stage))),
  );
}

/** The fault is there and too small to be told from rounding. */
function withinBound(fault: Fault, view: FaultView): string {
  const ratios = ownRows(fault, view).flatMap((row) => row.maxRatio ?? []);
  if (ratios.length === 0) return 'the free run stays within its limit, and no stage was compared by itself';
  return `its largest error is ${short(Math.max(...ratios))} x what rounding allows`;
}
