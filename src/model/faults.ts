/**
 * THE FAULT TABLE: what can be broken on purpose in the arm under test, so that a person (and a test) can see what MoEscope says of it.
 * Parser, engine, command line, documentation and the tests' matrix derive from it.
 */
import { stagesOfStep, stageIn } from './graph-of';
import type { HParams } from './hparams';
import { COMPUTED_STAGES, LAYER_WEIGHTS, stageSpec, type StageId, type WeightRole } from './stages';

/** What a fault's specification can say besides its layer. */
export type FaultParameter = 'expert' | 'tensor' | 'position' | 'bit';

export interface FaultSpec {
  readonly kind: string;
  /** What goes wrong, for people. */
  readonly what: string;
  /** What is mutated: the path is the real one, the result is never touched. */
  readonly mutates: string;
  /** Where it shows when every stage is fed right inputs, forward order; the first is to be blamed. Empty: where its tensor is read. */
  readonly stages: readonly StageId[];
  /** The weights that it can strike; empty where it strikes none. */
  readonly tensors: readonly WeightRole[];
  /** The weights that it strikes when no tensor is named. */
  readonly byDefault: readonly WeightRole[];
  readonly parameters: readonly FaultParameter[];
  /** When it can be seen at all. */
  readonly visible: string;
}

/** Weights of the layers of every architecture, by how many dimensions they have. */
const weightsWith = (...axes: readonly number[]): readonly WeightRole[] =>
  LAYER_WEIGHTS.flatMap(({ role, dims }) => (axes.includes(dims.length) ? [role] : []));
const EXPERT_WEIGHTS = weightsWith(3);
const MATRICES = weightsWith(2, 3);
const NORMS = weightsWith(1);

/** A fault of the weights of one matrix. */
const ofMatrix = { stages: [], tensors: MATRICES, byDefault: ['ffn_down_exps'] } as const;
/** A fault of one weight of any tensor. */
const ofWeight = { stages: [], tensors: [...MATRICES, ...NORMS], byDefault: ['ffn_down_exps'] } as const;
/** A fault that strikes no weight. */
const ofKernel = { tensors: [], byDefault: [] } as const;

// prettier-ignore
export const FAULTS = [
  { ...ofMatrix, kind: 'qtype-blind', what: 'a tensor is read as another type of its family (Q6_K as Q4_K): the kernel and the row stride are the wrong ones', mutates: 'the tensor\'s type: what is uploaded and which kernel reads it', parameters: ['tensor'], visible: 'always' },
  { kind: 'wrong-expert', what: 'expert E is computed with the weights of expert E + 1; of every expert when none is named', mutates: 'the buffer that is bound', stages: [], tensors: EXPERT_WEIGHTS, byDefault: EXPERT_WEIGHTS, parameters: ['expert', 'tensor'], visible: 'a token chose the expert, and there are two experts' },
  { ...ofKernel, kind: 'swap-gate-up', what: 'gate and up projections are swapped', mutates: 'the buffers that are bound', stages: ['moe_expert_gate', 'moe_expert_up'], parameters: [], visible: 'always' },
  { ...ofKernel, kind: 'silu-of-up', what: 'SiLU is taken of the up projection, not of the gate', mutates: 'the buffers that are bound', stages: ['moe_expert_swigl'], parameters: [], visible: 'always' },
  { ...ofKernel, kind: 'no-renorm', what: 'the weights of the chosen experts are not renormalised', mutates: 'the kernel', stages: ['moe_router'], parameters: ['position'], visible: 'not every expert is chosen' },
  { ...ofKernel, kind: 'softmax-after-topk', what: 'the router\'s softmax runs over the chosen logits only, the other probabilities are 0', mutates: 'the kernel', stages: ['moe_router_probs'], parameters: ['position'], visible: 'not every expert is chosen' },
  { ...ofKernel, kind: 'drop-qk-norm', what: 'queries and keys are not normalised', mutates: 'the kernel', stages: ['q_norm', 'k_norm'], parameters: [], visible: 'always' },
  { ...ofKernel, kind: 'rope-interleaved', what: 'rotary pairs are channels 2i and 2i + 1, not i and i + headDim / 2, or the other way round', mutates: 'the kernel', stages: ['q_post_rope', 'k_post_rope'], parameters: ['position'], visible: 'a position above 0 is compared' },
  { ...ofKernel, kind: 'rope-theta', what: 'the rotary base is 10,000 (1,000,000 where the file says 10,000)', mutates: 'the table that is bound', stages: ['q_post_rope', 'k_post_rope'], parameters: [], visible: 'a position above 0 is compared' },
  { ...ofKernel, kind: 'no-causal-mask', what: 'attention looks at later tokens too', mutates: 'the kernel\'s limit of keys', stages: ['attn_softmax'], parameters: [], visible: 'a position before the last is compared' },
  { ...ofKernel, kind: 'gqa-modulo', what: 'head h reads kv head h % nHeadKv, not h / (nHead / nHeadKv)', mutates: 'the kernel', stages: ['attn_scores', 'attention'], parameters: [], visible: 'there are several kv heads, each shared' },
  { ...ofKernel, kind: 'eps', what: 'the norms add an epsilon of 1e-5 (1e-6 where the file says 1e-5)', mutates: 'the kernel\'s constant', stages: ['attn_norm', 'q_norm', 'k_norm', 'ffn_norm'], parameters: [], visible: 'the normalised rows are small enough for it to exceed rounding' },
  { ...ofWeight, kind: 'nan', what: 'the first value, or the first block\'s scale, is a NaN', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor'], visible: 'its row is computed' },
  { ...ofWeight, kind: 'inf', what: 'the first value, or the first block\'s scale, is infinite', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor'], visible: 'its row is computed' },
  { ...ofWeight, kind: 'bitflip', what: 'one bit of the first weight is flipped: its highest', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor'], visible: 'its row is computed, and the weight meets a value that is not tiny' },
  { ...ofWeight, kind: 'scale-bitflip', what: 'one mantissa bit of the first block\'s scale is flipped: bit 9, the highest, or the one that `bit` names', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor', 'bit'], visible: 'its row is computed, and the change exceeds rounding' },
  { ...ofMatrix, kind: 'stale-row', what: 'the middle row of a product is not computed: what the buffer held stays', mutates: 'the rows that are dispatched', parameters: ['expert', 'tensor', 'position'], visible: 'the row\'s matrix is read' },
  { ...ofMatrix, kind: 'f16-accumulate', what: 'a product is summed in half precision', mutates: 'the kernel', parameters: ['expert', 'tensor', 'position'], visible: 'its matrix is read' },
  { ...ofMatrix, kind: 'off-by-one-row', what: 'row r of a product is computed with the weights of row r + 1', mutates: 'where the bound rows begin', parameters: ['expert', 'tensor', 'position'], visible: 'the matrix is read and has two rows' },
  { kind: 'skip-expert', what: 'an expert is not computed: what the buffers held stays', mutates: 'the experts that are dispatched', stages: [], tensors: EXPERT_WEIGHTS, byDefault: EXPERT_WEIGHTS, parameters: ['expert', 'tensor', 'position'], visible: 'a token chose the expert' },
  { ...ofKernel, kind: 'wrong-slot-weight', what: 'slot s is weighted with the weight of slot s + 1', mutates: 'the kernel', stages: ['moe_ffn_out'], parameters: ['position'], visible: 'a token has several experts' },
] as const satisfies readonly FaultSpec[];

export type FaultKind = (typeof FAULTS)[number]['kind'];

/** One fault as asked for. Plain data. */
export interface Fault {
  readonly kind: FaultKind;
  readonly layer: number;
  readonly expert?: number;
  readonly tensor?: WeightRole;
  readonly position?: number;
  readonly bit?: number;
}

const byKind: ReadonlyMap<FaultKind, FaultSpec> = new Map(FAULTS.map((f) => [f.kind, f]));

/** The fault's row of the table. */
export function faultSpec(kind: FaultKind): FaultSpec {
  const spec = byKind.get(kind);
  if (spec === undefined) throw new RangeError(`no fault ${kind}`);
  return spec;
}

/** The weights that a fault strikes. */
export function faultTensors(fault: Fault): readonly WeightRole[] {
  return fault.tensor === undefined ? faultSpec(fault.kind).byDefault : [fault.tensor];
}

/**
 * The stages where a fault shows when each is fed right inputs, forward order.
 * @param hparams of the model; without them, the stages of every architecture
 */
export function faultStages(fault: Fault, hparams?: HParams): readonly StageId[] {
  const { stages } = faultSpec(fault.kind);
  const own = hparams === undefined ? OF_LAYERS : stagesOfStep(hparams, fault.layer);
  if (stages.length > 0) return stages.filter((id) => own.includes(id));
  const struck = faultTensors(fault);
  return own.filter((id) => stageIn(hparams, id, fault.layer).weights.some((weight) => struck.includes(weight)));
}

const OF_LAYERS = COMPUTED_STAGES.filter((id) => stageSpec(id).scope === 'layer');

/** Whether a weight has a matrix for each expert. */
export function isExpertWeight(role: WeightRole): boolean {
  return EXPERT_WEIGHTS.some((weight) => weight === role);
}
