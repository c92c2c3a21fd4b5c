import { faultSpec, faultStages, type Fault } from '../../model/faults';
import { nodeOf, type Node } from '../../arch/graph';
import type { ActiveStageId } from '../../model/stages';
import { ropeTable } from '../engine/rope-table';
import { copyColumns } from '../engine/side-by-side';
import { inputAt, type StageKernel, type StageRun } from '../engine/stage-run';
import { linearGrid } from '../../ops/kernel-grid';
import { getPipeline } from '../pipelines';
import { FAULT_KERNELS } from './fault-kernels';

/** Lanes of a workgroup in the kernels that give each value a lane. */
const LANES = 64;

/** A stage as a fault computes it, given how it is computed now. */
export type StageFault = (usual: StageKernel, run: StageRun) => void | Promise<void>;

/** What a fault does at one of its stages; undefined for faults of weights and products. */
export function stageFault(fault: Fault, stage: ActiveStageId): StageFault | undefined {
  switch (fault.kind) {
    case 'swap-gate-up':
      // The weights of the other.
      return (usual, run) => usual({ ...run, node: nodeOf(run.section, TWIN[stage] ?? stage) });
    case 'silu-of-up':
      return (usual, run) => usual({ ...run, input: (name) => run.input(TWIN[name] ?? name) });
    case 'no-renorm':
      return (_usual, run) => noRenorm(run, fault);
    case 'softmax-after-topk':
      return (_usual, run) => softmaxAfterTopk(run, fault);
    case 'wrong-slot-weight':
      return (_usual, run) => wrongSlotWeight(run, fault);
    case 'drop-qk-norm':
      return (_usual, run) => {
        copyColumns(run, inputAt(run, 0));
      };
    case 'rope-interleaved':
      return (_usual, run) => ropeInterleaved(run, fault, stage === 'k_post_rope');
    case 'rope-theta':
      return (usual, run) => usual(withAttrs(run, { theta: run.tools.hparams.ropeTheta === 1e4 ? 1e6 : 1e4 }));
    case 'eps':
      return (usual, run) => usual(withAttrs(run, { eps: isAbout(run.tools.hparams.rmsEps, 1e-5) ? 1e-6 : 1e-5 }));
    case 'no-causal-mask':
      // Every key counts as past. Scores beyond the mask are computed only where they are wanted.
      return (usual, run) =>
        usual(stage === 'attn_scores' ? { ...run, futureKeys: true } : { ...run, firstPosition: run.nKeys });
    case 'gqa-modulo':
      return async (usual, run) => usual(await withModuloKernels(run));
    default:
      return undefined;
  }
}

/** The stages whose kernels a fault replaces: those where it shows, and those that it needs for that. */
export function replacedStages(fault: Fault): readonly ActiveStageId[] {
  if (fault.kind === 'no-causal-mask') return ['attn_scores', 'attn_softmax', 'attention'];
  return faultSpec(fault.kind).stages.length > 0 ? faultStages(fault) : [];
}

/** What the gated activation reads in place of its own. */
const TWIN: Readonly<Record<string, string>> = {
  moe_expert_gate: 'moe_expert_up',
  moe_expert_up: 'moe_expert_gate',
};

/** f32 and f64 readings of the same decimal. */
function isAbout(x: number, y: number): boolean {
  return Math.abs(x - y) < 1e-3 * y;
}

/** The node with other constants. */
function withAttrs(run: StageRun, attrs: { readonly theta: number } | { readonly eps: number }): StageRun {
  // The stages of both faults have the attribute that changes.
  return { ...run, node: { ...run.node, attrs: { ...run.node.attrs, ...attrs } } as Node };
}

async function withModuloKernels(run: StageRun): Promise<StageRun> {
  const { context, kernels } = run.tools;
  const variant = { id: 'plain' };
  const attnScores = await getPipeline(context, FAULT_KERNELS.attnScoresModulo, variant);
  const attnValues = await getPipeline(context, FAULT_KERNELS.attnValuesModulo, variant);
  return {
    ...run,
    tools: { ...run.tools, kernels: { ...kernels, attnScores, attnValues, attnValuesSplit: attnValues } },
  };
}

/** The rows of the run that a fault strikes: all, or the one at its position. */
function struckRows(run: StageRun, { position }: Fault): { readonly first: number; readonly end: number } {
  if (position === undefined) return { first: 0, end: run.rows };
  const row = position - run.firstPosition;
  return row < 0 || row >= run.rows ? { first: 0, end: 0 } : { first: row, end: row + 1 };
}

async function noRenorm(run: StageRun, fault: Fault): Promise<void> {
  const { context, recorder, hparams } = run.tools;
  const { nExpert, nExpertUsed } = hparams;
  const count = run.rows * nExpertUsed;
  recorder.dispatch(
    await getPipeline(context, FAULT_KERNELS.noRenorm, { id: 'plain' }),
    { p: run.input('moe_router_probs'), indices: run.input('moe_router_indices'), weights: run.output },
    { count, nExpert, nUsed: nExpertUsed, ...struckRows(run, fault) },
    linearGrid(count, LANES),
  );
}

async function softmaxAfterTopk(run: StageRun, fault: Fault): Promise<void> {
  const { context, recorder, hparams } = run.tools;
  const count = run.rows * hparams.nExpert;
  recorder.dispatch(
    await getPipeline(context, FAULT_KERNELS.softmaxAfterTopk, { id: 'plain' }),
    { x: run.input('moe_router_logits'), y: run.output },
    { count, rowLength: hparams.nExpert, nUsed: hparams.nExpertUsed, ...struckRows(run, fault) },
    linearGrid(count, LANES),
  );
}

async function wrongSlotWeight(run: StageRun, fault: Fault): Promise<void> {
  const { context, recorder, hparams } = run.tools;
  const count = run.rows * hparams.nEmbd;
  recorder.dispatch(
    await getPipeline(context, FAULT_KERNELS.wrongSlotWeight, { id: 'plain' }),
    { weights: run.input('moe_router'), x: run.input('moe_expert_out'), y: run.output },
    { count, rowLength: hparams.nEmbd, nUsed: hparams.nExpertUsed, ...struckRows(run, fault) },
    linearGrid(count, LANES),
  );
}

async function ropeInterleaved(run: StageRun, fault: Fault, keys: boolean): Promise<void> {
  const { context, recorder, hparams } = run.tools;
  const heads = keys ? hparams.nHeadKv : hparams.nHead;
  const pairs = hparams.headDim / 2;
  const count = run.rows * heads * pairs;
  const angles = ropeTable(run.firstPosition, run.rows, hparams.ropeTheta, hparams.headDim);
  recorder.dispatch(
    await getPipeline(context, FAULT_KERNELS.ropeInterleaved, { id: 'plain' }),
    { x: run.input(keys ? 'k_norm' : 'q_norm'), table: recorder.table(new Uint32Array(angles.buffer)), y: run.output },
    { count, pairs, heads, yOffset: run.outputRow * heads * hparams.headDim, ...struckRows(run, fault) },
    linearGrid(count, LANES),
  );
}
