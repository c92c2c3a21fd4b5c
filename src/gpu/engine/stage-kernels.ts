import { weightDims } from '../../arch/graph';
import { graphOf, stageNode } from '../../model/graph-of';
import { findWeight, weightSlot } from '../../model/weights';
import type { ActiveStageId, WeightRole } from '../../model/stages';
import { linearGrid } from '../../ops/kernel-grid';
import type { BufferRange } from '../recorder';
import { vectorPart } from '../weights/weight-part';
import { embedRows } from './embed-rows';
import type { KernelSet } from './kernel-set';
import { denseProduct, expertProduct } from './products';
import { project } from './project-together';
import type { StageKernel, StageRange, StageRun, Tools } from './stage-run';

/** Lanes of a workgroup in the kernels that give each value a lane. */
const LANES = 64;

/** Channels of a step's attention below which each is shared among lanes: too few lanes to keep a GPU busy. */
const FEW_CHANNELS = 2 ** 16;
/** Channels of a workgroup of attention_values_split.wgsl. */
const SPLIT_CHANNELS = 16;
/** Rows of a workgroup of attention_tiled.wgsl, and how often it multiplies along all keys: scores three times, values. */
const TILED_ROWS = 32;
const TILED_PASSES = 4;

/**
 * Whether the value sums of a step are shared among lanes. By the step, not by the chunk: the order of sums must not depend on how a step is
 * cut.
 */
function splitsValues({ context, hparams }: Tools, stepTokens: number): boolean {
  return !context.card.isSoftware && stepTokens * hparams.qDim < FEW_CHANNELS;
}

/** Whether the attention of a step can be computed without storing scores. */
export function fusesAttention(tools: Tools, stepTokens: number): boolean {
  return tools.fuseAttention && tools.kernels.attentionTiled !== undefined && !splitsValues(tools, stepTokens);
}

export type StageKernels = Readonly<Record<ActiveStageId, StageKernel>>;

/** How each stage is computed. The formulas are in the shaders; the order of the stages is the stage table's. */
export const STAGE_KERNELS: StageKernels = {
  embedding: embedRows,

  attn_norm: (run) => norm(run, 'attn_norm', run.input('layer_input'), wholeRow(run)),

  q_proj: (run) => project(run, 'q_proj'),
  k_proj: (run) => project(run, 'k_proj'),
  v_proj: (run) => project(run, 'v_proj'),

  q_norm: (run) => headNorm(run, 'attn_q_norm', run.input('q_proj'), run.tools.hparams.qDim),
  k_norm: (run) => headNorm(run, 'attn_k_norm', run.input('k_proj'), run.tools.hparams.kvDim),

  q_post_rope: (run) => {
    rope(run, run.input('q_norm'), run.tools.hparams.nHead);
  },
  k_post_rope: (run) => {
    rope(run, run.input('k_norm'), run.tools.hparams.nHeadKv);
  },

  async attn_scores(run) {
    const { recorder, kernels, hparams, pacer } = run.tools;
    const { nHead, nHeadKv, headDim } = hparams;
    const { nKeys, firstPosition } = run;
    recorder.dispatch(
      kernels.attnScores,
      { q: run.input('q_post_rope'), keys: run.keys(), scores: run.output },
      {
        nHead,
        headsPerKv: nHead / nHeadKv,
        headDim,
        nKeys,
        firstPosition,
        future: run.futureKeys ? nKeys : 0,
        scale: 1 / Math.sqrt(headDim),
      },
      [Math.ceil(nKeys / LANES), run.rows * nHead],
    );
    await pacer.spend(2 * run.rows * nHead * nKeys * headDim, run.signal);
  },

  attn_softmax: (run) => {
    const { nHead } = run.tools.hparams;
    softmax(run, run.input('attn_scores'), { rows: run.rows * nHead, rowLength: run.nKeys, rowsPerToken: nHead }, true);
  },

  async attention(run) {
    const { recorder, kernels, hparams, pacer } = run.tools;
    const { nHead, nHeadKv, headDim, qDim } = hparams;
    const { nKeys, firstPosition } = run;
    if (run.fusedAttention === true && kernels.attentionTiled !== undefined) {
      await tiledAttention(run, kernels.attentionTiled);
      return;
    }
    const count = run.rows * qDim;
    const split = splitsValues(run.tools, run.stepTokens);
    recorder.dispatch(
      split ? kernels.attnValuesSplit : kernels.attnValues,
      { p: run.input('attn_softmax'), values: run.values(), y: run.output },
      { count, nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition },
      linearGrid(count, split ? SPLIT_CHANNELS : LANES),
    );
    await pacer.spend(2 * count * nKeys, run.signal);
  },

  attn_out(run) {
    const { nEmbd, qDim } = run.tools.hparams;
    return denseProduct(run, 'attn_output', run.input('attention'), { xStride: qDim, yStride: nEmbd });
  },

  post_attn_residual: (run) => {
    add(run, run.input('layer_input'), run.input('attn_out'));
  },

  ffn_norm: (run) => norm(run, 'ffn_norm', run.input('post_attn_residual'), wholeRow(run)),

  moe_router_logits(run) {
    const { nEmbd, nExpert } = run.tools.hparams;
    return denseProduct(run, 'ffn_gate_inp', run.input('ffn_norm'), { xStride: nEmbd, yStride: nExpert });
  },

  moe_router_probs: (run) => {
    const { nExpert } = run.tools.hparams;
    softmax(run, run.input('moe_router_logits'), { rows: run.rows, rowLength: nExpert, rowsPerToken: 1 }, false);
  },

  moe_router_indices: (run) => {
    const { recorder, kernels, hparams } = run.tools;
    const { nExpert, nExpertUsed } = hparams;
    const count = run.rows * nExpert;
    recorder.dispatch(
      kernels.topK,
      { probs: run.input('moe_router_probs'), indices: run.output },
      { count, nExpert, nUsed: nExpertUsed },
      linearGrid(count, LANES),
    );
  },

  moe_router: (run) => {
    const { recorder, kernels, hparams } = run.tools;
    const { nExpert, nExpertUsed } = hparams;
    const count = run.rows * nExpertUsed;
    recorder.dispatch(
      sumsToOne(hparams) ? kernels.renormalise : kernels.gather,
      { p: run.input('moe_router_probs'), indices: run.input('moe_router_indices'), weights: run.output },
      { count, nExpert, nUsed: nExpertUsed },
      linearGrid(count, LANES),
    );
  },

  moe_expert_gate: (run) => expertProduct(run, 'ffn_gate_exps', run.input('ffn_norm'), false),
  moe_expert_up: (run) => expertProduct(run, 'ffn_up_exps', run.input('ffn_norm'), false),

  moe_expert_swigl: (run) => {
    const { recorder, kernels, hparams } = run.tools;
    const count = run.rows * hparams.nExpertUsed * hparams.nFfExp;
    recorder.dispatch(
      kernels.swiglu,
      { gate: run.input('moe_expert_gate'), up: run.input('moe_expert_up'), y: run.output },
      { count },
      linearGrid(count, LANES),
    );
  },

  moe_expert_out: (run) => expertProduct(run, 'ffn_down_exps', run.input('moe_expert_swigl'), true),

  moe_ffn_out: (run) => {
    const { recorder, kernels, hparams } = run.tools;
    const count = run.rows * hparams.nEmbd;
    recorder.dispatch(
      kernels.weightedSum,
      { weights: run.input('moe_router'), x: run.input('moe_expert_out'), y: run.output },
      { count, rowLength: hparams.nEmbd, nUsed: hparams.nExpertUsed },
      linearGrid(count, LANES),
    );
  },

  post_ffn_residual: (run) => {
    add(run, run.input('post_attn_residual'), run.input('moe_ffn_out'));
  },

  final_norm: (run) => norm(run, 'output_norm', run.input('layer_input'), wholeRow(run)),

  lm_head(run) {
    const { nEmbd, nVocab } = run.tools.hparams;
    return denseProduct(run, 'output', run.input('final_norm'), { xStride: nEmbd, yStride: nVocab });
  },
};

/** Scores, softmax and values in one kernel; in as many dispatches as keep each of them short. */
async function tiledAttention(run: StageRun, pipeline: NonNullable<KernelSet['attentionTiled']>): Promise<void> {
  const { recorder, hparams, pacer } = run.tools;
  const { nHead, nHeadKv, headDim } = hparams;
  const { rows, nKeys, firstPosition } = run;
  const rowOperations = TILED_PASSES * 2 * nHead * nKeys * headDim;
  const blocks = Math.ceil(rows / TILED_ROWS);
  const most = Math.max(1, Math.floor(pacer.quantum / (rowOperations * TILED_ROWS)));
  for (let firstBlock = 0; firstBlock < blocks; firstBlock += most) {
    const count = Math.min(most, blocks - firstBlock);
    recorder.dispatch(
      pipeline,
      { q: run.input('q_post_rope'), keys: run.keys(), values: run.values(), y: run.output },
      {
        rows,
        nHead,
        headsPerKv: nHead / nHeadKv,
        nKeys,
        firstPosition,
        firstBlock,
        scale: 1 / Math.sqrt(headDim),
      },
      [count, nHead],
    );
    await pacer.spend(rowOperations * TILED_ROWS * count, run.signal);
  }
}

/** How the rows of a norm lie in its input. */
interface NormRows {
  readonly rowLength: number;
  readonly rowsPerToken: number;
  readonly xStride: number;
  readonly xOffset: number;
}

/** Whether the weights of a token's experts are divided by their sum. */
function sumsToOne(hparams: StageRun['tools']['hparams']): boolean {
  const node = stageNode(hparams, 'moe_router');
  return node?.op !== 'normalise' || node.attrs.divisor === 'sum';
}

/** One row a token: (rows, nEmbd). */
function wholeRow(run: StageRun): NormRows {
  const { nEmbd } = run.tools.hparams;
  return { rowLength: nEmbd, rowsPerToken: 1, xStride: nEmbd, xOffset: 0 };
}

/** One row a head, or one for all heads: as long as the weight is. @param width channels of a token */
function headNorm(run: StageRun, role: 'attn_q_norm' | 'attn_k_norm', x: StageRange, width: number): Promise<void> {
  const { hparams } = run.tools;
  const [rowLength = width] = weightDims(weightSlot(hparams, role, run.layer), graphOf(hparams).graph.sizes);
  const { stride, first } = x.columns ?? { stride: width, first: 0 };
  return norm(run, role, x, { rowLength, rowsPerToken: width / rowLength, xStride: stride, xOffset: first });
}

async function norm(run: StageRun, role: WeightRole, x: BufferRange, layout: NormRows): Promise<void> {
  const { model, hparams, cache, recorder, kernels } = run.tools;
  const part = vectorPart(findWeight(model, hparams, role, run.layer));
  if (!cache.hasRoomFor([part])) recorder.submit();
  const pinned = await cache.acquire([part], run.signal);
  recorder.afterSubmit(pinned.release);
  const [weight] = pinned.places;
  if (weight === undefined) return;
  const rows = run.rows * layout.rowsPerToken;
  recorder.dispatch(
    kernels.rmsnorm,
    { x, weight: { buffer: weight.buffer }, y: run.output },
    { rows, ...layout, eps: hparams.rmsEps },
    linearGrid(rows, 1),
  );
}

function rope(run: StageRun, x: BufferRange, nHeads: number): void {
  const { recorder, kernels, hparams } = run.tools;
  const pairs = hparams.headDim / 2;
  const count = run.rows * nHeads * pairs;
  const angles = run.tools.ropeTable(run.firstPosition, run.rows, hparams.ropeTheta, hparams.headDim);
  recorder.dispatch(
    kernels.rope,
    { x, table: recorder.table(new Uint32Array(angles.buffer)), y: run.output },
    { count, pairs, heads: nHeads, yOffset: run.outputRow * nHeads * hparams.headDim },
    linearGrid(count, LANES),
  );
}

function softmax(
  run: StageRun,
  x: BufferRange,
  layout: { readonly rows: number; readonly rowLength: number; readonly rowsPerToken: number },
  causal: boolean,
): void {
  const { recorder, kernels } = run.tools;
  recorder.dispatch(
    kernels.softmax,
    { x, y: run.output },
    { ...layout, causal: causal ? 1 : 0, firstPosition: run.firstPosition },
    linearGrid(layout.rows, 1),
  );
}

function add(run: StageRun, a: BufferRange, b: BufferRange): void {
  const { recorder, kernels, hparams } = run.tools;
  const count = run.rows * hparams.nEmbd;
  recorder.dispatch(kernels.add, { a, b, y: run.output }, { count }, linearGrid(count, LANES));
}
