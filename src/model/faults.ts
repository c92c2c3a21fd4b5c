/**
 * THE FAULT TABLE: what can be broken on purpose in the candidate, so that a person (and a test) can see what MoEscope says of it.
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

/** Weights of the layers of every architecture, by how many dimensions they have; what an operation reads as it lies has one. */
const weightsWith = (...axes: readonly number[]): readonly WeightRole[] =>
  LAYER_WEIGHTS.flatMap(({ role, dims, flat }) => (axes.includes(flat === true ? 1 : dims.length) ? [role] : []));
const EXPERT_WEIGHTS = LAYER_WEIGHTS.flatMap(({ role, dims }) => (dims[2] === 'nExpert' ? [role] : []));
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
  { ...ofKernel, kind: 'group-maximum', what: 'a group of experts is ranked by its best alone, not by its two best', mutates: 'the kernel', stages: ['moe_group_scores'], parameters: [], visible: 'experts are chosen within groups' },
  { ...ofKernel, kind: 'softmax-after-topk', what: 'the router\'s softmax runs over the chosen logits only, the other probabilities are 0', mutates: 'the kernel', stages: ['moe_router_probs'], parameters: ['position'], visible: 'not every expert is chosen' },
  { ...ofKernel, kind: 'drop-qk-norm', what: 'queries and keys are not normalised', mutates: 'the kernel', stages: ['q_norm', 'k_norm'], parameters: [], visible: 'always' },
  { ...ofKernel, kind: 'rope-interleaved', what: 'rotary pairs are channels 2i and 2i + 1, not i and i + headDim / 2, or the other way round', mutates: 'the kernel', stages: ['k_pe', 'q_pe', 'q_post_rope', 'k_post_rope'], parameters: ['position'], visible: 'a position above 0 is compared' },
  { ...ofKernel, kind: 'rope-theta', what: 'the rotary base is 10,000 (1,000,000 where the file says 10,000)', mutates: 'the table that is bound', stages: ['k_pe', 'q_pe', 'q_post_rope', 'k_post_rope'], parameters: [], visible: 'a position above 0 is compared' },
  { ...ofKernel, kind: 'no-causal-mask', what: 'attention looks at later tokens too', mutates: 'the kernel\'s limit of keys', stages: ['attn_softmax'], parameters: [], visible: 'a position before the last is compared' },
  { ...ofKernel, kind: 'mask-off-by-one', what: 'a token sees the next one: the causal mask begins a key too late', mutates: 'the kernel\'s limit of keys', stages: ['attn_softmax'], parameters: [], visible: 'a position before the last is compared' },
  { ...ofKernel, kind: 'gqa-modulo', what: 'head h reads kv head h % nHeadKv, not h / (nHead / nHeadKv)', mutates: 'the kernel', stages: ['attn_scores', 'attention'], parameters: [], visible: 'there are several kv heads, each shared' },
  { ...ofKernel, kind: 'eps', what: 'the norms add an epsilon of 1e-5 (1e-6 where the file says 1e-5)', mutates: 'the kernel\'s constant', stages: ['attn_norm', 'q_a_norm', 'kv_cmpr', 'q_conv_predelta', 'k_conv_predelta', 'delta_norm', 'q_norm', 'k_norm', 'ffn_norm'], parameters: [], visible: 'the normalised rows are small enough for it to exceed rounding' },
  { ...ofWeight, kind: 'nan', what: 'the first value, or the first block\'s scale, is a NaN', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor'], visible: 'its row is computed' },
  { ...ofWeight, kind: 'inf', what: 'the first value, or the first block\'s scale, is infinite', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor'], visible: 'its row is computed' },
  { ...ofWeight, kind: 'bitflip', what: 'one bit of the first weight is flipped: its highest', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor'], visible: 'its row is computed, and the weight meets a value that is not tiny' },
  { ...ofWeight, kind: 'scale-bitflip', what: 'one mantissa bit of the first block\'s scale is flipped: bit 9, the highest, or the one that `bit` names', mutates: 'the bytes that are uploaded', parameters: ['expert', 'tensor', 'bit'], visible: 'its row is computed, and the change exceeds rounding' },
  { ...ofMatrix, kind: 'stale-row', what: 'the middle row of a product is not computed: what the buffer held stays', mutates: 'the rows that are dispatched', parameters: ['expert', 'tensor', 'position'], visible: 'the row\'s matrix is read' },
  { ...ofMatrix, kind: 'f16-accumulate', what: 'a product is summed in half precision', mutates: 'the kernel', parameters: ['expert', 'tensor', 'position'], visible: 'its matrix is read' },
  { ...ofMatrix, kind: 'off-by-one-row', what: 'row r of a product is computed with the weights of row r + 1', mutates: 'where the bound rows begin', parameters: ['expert', 'tensor', 'position'], visible: 'the matrix is read and has two rows' },
  { kind: 'skip-expert', what: 'an expert is not computed: what the buffers held stays', mutates: 'the experts that are dispatched', stages: [], tensors: EXPERT_WEIGHTS, byDefault: EXPERT_WEIGHTS, parameters: ['expert', 'tensor', 'position'], visible: 'a token chose the expert' },
  { ...ofKernel, kind: 'rope-whole-head', what: 'all channels of a head are rotated, where the file says only the first', mutates: 'the table that is bound', stages: ['q_post_rope', 'k_post_rope'], parameters: [], visible: 'the file rotates a part of a head, and a position above 0 is compared' },
  { ...ofKernel, kind: 'no-attn-gate', what: 'the output of attention is not gated', mutates: 'the kernel', stages: ['attn_gated'], parameters: [], visible: 'the layer has attention with a gate' },
  { ...ofKernel, kind: 'silu-attn-gate', what: 'the gate of attention is the SiLU of its values, not the sigmoid', mutates: 'the kernel', stages: ['attn_gate_sigmoid'], parameters: [], visible: 'the layer has attention with a gate' },
  { ...ofKernel, kind: 'split-halves', what: 'queries and their gates (betas and alphas) are taken for two halves of a row, not for two parts of each head', mutates: 'the kernel', stages: ['q_heads', 'q_gate', 'linear_attn_b', 'linear_attn_a'], parameters: [], visible: 'there are several heads' },
  { ...ofKernel, kind: 'no-shared-gate', what: 'the shared expert is not gated', mutates: 'the kernel', stages: ['ffn_shexp_out'], parameters: [], visible: 'the model has a shared expert with a gate' },
  { ...ofKernel, kind: 'no-beta-sigmoid', what: 'beta is taken without its sigmoid', mutates: 'the kernel', stages: ['beta_sigmoid'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'no-dt-bias', what: 'the bias of the decay is left out', mutates: 'the kernel', stages: ['a_softplus'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'exp-of-a', what: 'the rate of decay is taken for a logarithm: -exp is applied to it once more', mutates: 'the kernel', stages: ['delta_decay'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'conv-reversed', what: 'the convolution has its last weight at the earliest token', mutates: 'the kernel', stages: ['conv_output_raw'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'conv-short', what: 'the window of the convolution is one token short', mutates: 'the kernel', stages: ['conv_output_raw'], parameters: [], visible: 'a position behind the first window is compared' },
  { ...ofKernel, kind: 'no-conv-silu', what: 'no SiLU behind the convolution', mutates: 'the kernel', stages: ['conv_output_silu'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'no-l2-norm', what: 'queries and keys of a gated delta net are not normalised', mutates: 'the kernel', stages: ['q_conv_predelta', 'k_conv_predelta'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'delta-heads', what: 'heads of values have the heads of keys in the other order: neighbours where they take turns, turns where they are neighbours', mutates: 'the kernel', stages: ['q_conv_predelta', 'k_conv_predelta', 'delta_state', 'delta_out'], parameters: [], visible: 'there are several heads of keys, each shared' },
  { ...ofKernel, kind: 'late-decay', what: 'what a state knows is taken of it before it decays', mutates: 'the kernel', stages: ['delta_state'], parameters: [], visible: 'a position above 0 is compared' },
  { ...ofKernel, kind: 'no-difference', what: 'a state is given v, not v less what it knows', mutates: 'the kernel', stages: ['delta_state'], parameters: [], visible: 'a position above 0 is compared' },
  { ...ofKernel, kind: 'state-lost', what: 'a state is lost every 64 tokens', mutates: 'the kernel', stages: ['delta_state'], parameters: [], visible: 'the prompt is longer, and the run itself is compared (`local`)' },
  { ...ofKernel, kind: 'delta-unscaled', what: 'what is read of a state is not divided by the root of the head size', mutates: 'the kernel', stages: ['delta_out'], parameters: [], visible: 'the layer is a gated delta net' },
  { ...ofKernel, kind: 'sigmoid-gate', what: 'the output of a gated delta net is multiplied by the sigmoid of its gate, not by the SiLU', mutates: 'the kernel', stages: ['final_output'], parameters: [], visible: 'the layer is a gated delta net' },
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
