import { faultSpec, faultStages, type Fault } from '../../model/faults';
import { nodeOf, type Node } from '../../arch/graph';
import type { HParams } from '../../model/hparams';
import type { StageId } from '../../model/stages';
import type { KernelSet } from '../engine/kernel-set';
import type { StageKernel, StageRun } from '../engine/stage-run';
import { SCORES_MODULO } from '../../ops/attention-scores/defects';
import { VALUES_MODULO } from '../../ops/attention-values/defects';
import type { Edit, KernelSpec } from '../../ops/kernel-spec';
import { NOT_DIVIDED } from '../../ops/normalise/defects';
import { NOT_NORMALISED } from '../../ops/rmsnorm/defects';
import { ROPE_INTERLEAVED } from '../../ops/rope/defects';
import { SOFTMAX_AFTER_TOP_K } from '../../ops/softmax/defects';
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
    case 'gqa-modulo':
      return edited(fault, {
        attnScores: [SCORES_MODULO],
        attnValues: [VALUES_MODULO],
        attnValuesSplit: [VALUES_MODULO],
      });
    default:
      return undefined;
  }
}

/** The stages whose kernels a fault replaces: those where it shows, and those that it needs for that. */
export function replacedStages(fault: Fault, hparams: HParams): readonly StageId[] {
  if (fault.kind === 'no-causal-mask') return ['attn_scores', 'attn_softmax', 'attention'];
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
function withAttrs(run: StageRun, attrs: { readonly theta: number } | { readonly eps: number }): StageRun {
  // The stages of both faults have the attribute that changes.
  return { ...run, node: { ...run.node, attrs: { ...run.node.attrs, ...attrs } } as Node };
}

/** Kernels whose text a fault edits. */
const EDITED_KERNELS = [
  'attnScores',
  'attnValues',
  'attnValuesSplit',
  'renormalise',
  'rmsnorm',
  'rope',
  'softmax',
  'weightedSum',
] as const satisfies readonly KernelName[];
type EditedKernel = (typeof EDITED_KERNELS)[number];

/**
 * The stage by its own kernels, with defects in their text: in every token, or in the one at the fault's position.
 * @param constants what the edits want to know of the model
 */
function edited(
  { position }: Fault,
  edits: Partial<Record<EditedKernel, readonly Edit[]>>,
  constants: (hparams: HParams) => Readonly<Record<string, number>> = () => ({}),
): StageFault {
  return async (usual, run) => {
    const row = position === undefined ? undefined : position - run.firstPosition;
    if (row !== undefined && (row < 0 || row >= run.rows)) return usual(run);
    const { context, hparams, kernels } = run.tools;
    const own = { ...constants(hparams), ...(row === undefined ? {} : { STRUCK: row }) };
    const wrong = await Promise.all(
      EDITED_KERNELS.flatMap((name) => {
        const defect = edits[name];
        if (defect === undefined) return [];
        const { kernel, variant } = kernels[name];
        const struck = { ...variant, constants: { ...variant.constants, ...own }, edits: defect };
        return [getPipeline<KernelSpec>(context, kernel, struck).then((pipeline) => ({ [name]: pipeline }))];
      }),
    );
    return usual({ ...run, tools: { ...run.tools, kernels: Object.assign({ ...kernels }, ...wrong) as KernelSet } });
  };
}
