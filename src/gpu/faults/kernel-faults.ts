import { faultSpec, faultStages, type Fault, type FaultKind } from '../../model/faults';
import { nodeOf, sizeOf, type Node } from '../../arch/graph';
import { sizesOf, stageNode } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { StageId } from '../../model/stages';
import type { KernelSet } from '../engine/kernel-set';
import type { StageKernel, StageRun } from '../engine/stage-run';
import { SCORES_MODULO } from '../../ops/attention-scores/defects';
import { VALUES_MODULO } from '../../ops/attention-values/defects';
import { CONV_SHORT, CONV_TURNED } from '../../ops/conv1d/defects';
import { asksConstants } from '../../ops/defect';
import { READ_GROUPED, READ_UNSCALED } from '../../ops/delta-read/defects';
import { DELTA_GROUPED, DELTA_LATE_DECAY, DELTA_LOST, DELTA_NO_DIFFERENCE } from '../../ops/delta-rule/defects';
import { GAIN_EXPONENTIAL } from '../../ops/gain/defects';
import { GROUP_MAXIMUM } from '../../ops/group-scores/defects';
import type { Edit, KernelSpec } from '../../ops/kernel-spec';
import { L2_LEFT_OUT, L2_TURN } from '../../ops/l2norm/defects';
import { NO_FACTOR } from '../../ops/multiply/defects';
import { NOT_DIVIDED } from '../../ops/normalise/defects';
import { NOT_NORMALISED } from '../../ops/rmsnorm/defects';
import { ROPE_INTERLEAVED } from '../../ops/rope/defects';
import { NO_SIGMOID, SILU_FOR_SIGMOID } from '../../ops/sigmoid/defects';
import { NO_SILU } from '../../ops/silu/defects';
import { SLICE_HALVES } from '../../ops/slice/defects';
import { SOFTMAX_AFTER_TOP_K } from '../../ops/softmax/defects';
import { NO_BIAS } from '../../ops/softplus/defects';
import { SIGMOID_FOR_SILU } from '../../ops/swiglu/defects';
import { WRONG_SLOT_WEIGHT } from '../../ops/weighted-sum/defects';
import type { KernelName } from '../kernel-table';
import { getPipeline } from '../pipelines';

/** A stage as a fault computes it, given how it is computed now. */
export type StageFault = (usual: StageKernel, run: StageRun) => void | Promise<void>;

/** What a fault does at one of its stages; undefined for faults of weights and products. */
export function stageFault(fault: Fault, stage: StageId): StageFault | undefined {
  switch (fault.kind) {
    case 'swap-gate-up':
      // The weights of the other.
      return (usual, run) => usual({ ...run, node: nodeOf(run.section, TWIN[stage] ?? stage) });
    case 'silu-of-up':
      return (usual, run) => usual({ ...run, input: (name) => run.input(TWIN[name] ?? name) });
    case 'no-renorm':
      return edited(fault, { renormalise: [NOT_DIVIDED] });
    case 'softmax-after-topk':
      return edited(fault, { softmax: [SOFTMAX_AFTER_TOP_K] }, ({ nExpertUsed }) => ({ USED: nExpertUsed }));
    case 'wrong-slot-weight':
      return edited(fault, { weightedSum: [WRONG_SLOT_WEIGHT] });
    case 'drop-qk-norm':
      return edited(fault, { rmsnorm: [NOT_NORMALISED] });
    case 'rope-interleaved':
      return edited(fault, { rope: ROPE_INTERLEAVED });
    case 'rope-theta':
      return (usual, run) => usual(withAttrs(run, { theta: run.tools.hparams.ropeTheta === 1e4 ? 1e6 : 1e4 }));
    case 'eps':
      return (usual, run) => usual(withAttrs(run, { eps: isAbout(run.tools.hparams.rmsEps, 1e-5) ? 1e-6 : 1e-5 }));
    case 'no-causal-mask':
      // Every key counts as past. Scores beyond the mask are computed only where they are wanted.
      return (usual, run) =>
        usual(stage === 'attn_scores' ? { ...run, futureKeys: true } : { ...run, firstPosition: run.nKeys });
    case 'mask-off-by-one':
      return (usual, run) =>
        usual(
          stage === 'attn_scores' ? { ...run, futureKeys: true } : { ...run, firstPosition: run.firstPosition + 1 },
        );
    case 'gqa-modulo':
      return edited(fault, {
        attnScores: [SCORES_MODULO],
        attnValues: [VALUES_MODULO],
        attnValuesSplit: [VALUES_MODULO],
      });
    case 'rope-whole-head':
      return (usual, run) => usual(withAttrs(run, { dims: run.tools.hparams.headDim }));
    case 'split-halves':
      return edited(fault, { slice: [SLICE_HALVES] }, (hparams) => ({
        USED: rowsPerToken(hparams, fault.layer, stage),
      }));
    case 'delta-heads':
      return edited(fault, { l2norm: [L2_TURN], deltaRule: [DELTA_GROUPED], deltaRead: [READ_GROUPED] }, (hparams) => ({
        USED: sizesOf(hparams)['nHeadK'] ?? 1,
      }));
    default: {
      const edits = EDITS[fault.kind];
      return edits === undefined ? undefined : edited(fault, edits);
    }
  }
}

/** Faults that are an edit and no more. */
const EDITS: Readonly<Partial<Record<FaultKind, KernelEdits>>> = {
  'group-maximum': { groupScores: [GROUP_MAXIMUM] },
  'no-attn-gate': { multiply: [NO_FACTOR] },
  'silu-attn-gate': { sigmoid: [SILU_FOR_SIGMOID] },
  'no-shared-gate': { multiply: [NO_FACTOR] },
  'no-beta-sigmoid': { sigmoid: [NO_SIGMOID] },
  'no-dt-bias': { softplus: [NO_BIAS] },
  'exp-of-a': { gain: [GAIN_EXPONENTIAL] },
  'conv-reversed': { conv1d: [CONV_TURNED] },
  'conv-short': { conv1d: [CONV_SHORT] },
  'no-conv-silu': { silu: [NO_SILU] },
  'no-l2-norm': { l2norm: [L2_LEFT_OUT] },
  'late-decay': { deltaRule: [DELTA_LATE_DECAY] },
  'no-difference': { deltaRule: [DELTA_NO_DIFFERENCE] },
  'state-lost': { deltaRule: [DELTA_LOST] },
  'delta-unscaled': { deltaRead: [READ_UNSCALED] },
  'sigmoid-gate': { swiglu: [SIGMOID_FOR_SILU] },
};

/** Rows of the last axis that a token has in what a stage reads. */
function rowsPerToken(hparams: HParams, layer: number, stage: StageId): number {
  const [x] = stageNode(hparams, stage, layer)?.inputs ?? [];
  return x === undefined ? 1 : sizeOf(sizesOf(hparams), x.axes[1] ?? '');
}

/** The stages whose kernels a fault replaces: those where it shows, and those that it needs for that. */
export function replacedStages(fault: Fault, hparams: HParams): readonly StageId[] {
  const isOfMask = fault.kind === 'no-causal-mask' || fault.kind === 'mask-off-by-one';
  if (isOfMask) return ['attn_scores', 'attn_softmax', 'attention'];
  return faultSpec(fault.kind).stages.length > 0 ? faultStages(fault, hparams) : [];
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
function withAttrs(
  run: StageRun,
  attrs: { readonly theta: number } | { readonly eps: number } | { readonly dims: number },
): StageRun {
  // The stages of these faults have the attribute that changes.
  return { ...run, node: { ...run.node, attrs: { ...run.node.attrs, ...attrs } } as Node };
}

/** What a fault edits of the text of kernels; a stage runs those of its own operation. */
type KernelEdits = Readonly<Partial<Record<Exclude<KernelName, 'attentionTiled'>, readonly Edit[]>>>;

/**
 * The stage by its own kernels, with defects in their text: in every token, or in the one at the fault's position.
 * @param constants what the edits want to know of the model
 */
function edited(
  { position }: Fault,
  edits: KernelEdits,
  constants: (hparams: HParams) => Readonly<Record<string, number>> = () => ({}),
): StageFault {
  return async (usual, run) => {
    const row = position === undefined ? undefined : position - run.firstPosition;
    if (row !== undefined && (row < 0 || row >= run.rows)) return usual(run);
    const { context, hparams, kernels } = run.tools;
    const own = { ...constants(hparams), ...(row === undefined ? {} : { STRUCK: row }) };
    const wrong = await Promise.all(
      Object.entries(edits).map(async ([name, defect]) => {
        const { kernel, variant } = kernels[name as keyof typeof edits];
        const asked = asksConstants(defect) ? own : {};
        const struck = { ...variant, constants: { ...variant.constants, ...asked }, edits: defect };
        return { [name]: await getPipeline<KernelSpec>(context, kernel, struck) };
      }),
    );
    return usual({ ...run, tools: { ...run.tools, kernels: Object.assign({ ...kernels }, ...wrong) as KernelSet } });
  };
}
