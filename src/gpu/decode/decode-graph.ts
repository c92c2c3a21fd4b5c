import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import type { LayerKeys } from '../engine/kv-cache';
import { storageBindings, type BindingName, type KernelSpec, type KernelVariant } from '../../ops/kernel-spec';
import { CHUNK, gpuRowWords } from '../matmul/weight-layout';
import { MAX_GROUPS } from '../../ops/kernel-grid';
import { paramsBytes, writeParams, type ParamsOf } from '../../ops/kernel-params';
import { getPipeline, type Pipeline } from '../pipelines';
import { typeVariant } from '../matmul/variants';
import { attentionKernel, isJoined, joinVariant, type AttentionWay } from './attention-plan';
import { argmaxParts, type DecodeBuffers } from './decode-buffers';
import {
  DECODE_KERNELS,
  expertsInJob,
  outGroup,
  qkvJob,
  rowsPerGroup,
  rowTeams,
  rowUnits,
  teamsPerRow,
  teamVariant,
  type DecodeChoice,
  type DecodeKernel,
  type TeamJob,
  type TeamShape,
} from './decode-kernels';
import { NOWHERE, type TapPlan } from './decode-taps';
import type { DecodeMatrix, DecodeWeights, WeightTile } from './decode-weights';
import type { Stack } from './qkv-stacks';

/** Params lie at multiples of this in their buffer: WebGPU's default alignment of a uniform binding. */
const PARAMS_STEP = 256;

/** Lanes of a workgroup of attention_join.wgsl. */
const JOIN_LANES = 64;

/** One dispatch of a token, ready to be encoded. */
export interface DecodeDispatch {
  readonly kernel: DecodeKernel;
  readonly layer: number | undefined;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  /** Undefined: one for each split of attention. */
  readonly y: number | undefined;
  readonly z: number;
}

export interface GraphInputs {
  readonly context: GpuContext;
  readonly hparams: HParams;
  readonly weights: DecodeWeights;
  /** Those of `stackQkv`, by layer. */
  readonly stacks: readonly (readonly Stack[])[];
  readonly choice: DecodeChoice;
  readonly buffers: DecodeBuffers;
  readonly keys: (layer: number) => LayerKeys;
  readonly way: AttentionWay;
  readonly taps: GPUBuffer;
}

/** A token's dispatches in order, and the params that they read. */
export interface DecodeGraph {
  readonly dispatches: readonly DecodeDispatch[];
  /** The params with the places of a plan, to be written to `params`. */
  paramsFor(plan: TapPlan): Uint8Array<ArrayBuffer>;
  /** Its own; the caller releases it. */
  readonly params: GPUBuffer;
}

type KernelOf<N extends DecodeKernel> = (typeof DECODE_KERNELS)[N];
type Params<N extends DecodeKernel> = ParamsOf<KernelOf<N>['params']>;

interface Planned {
  readonly kernel: DecodeKernel;
  readonly layer: number | undefined;
  readonly pipeline: Promise<Pipeline>;
  readonly bindings: Readonly<Record<string, GPUBuffer>>;
  readonly params: (plan: TapPlan) => Readonly<Record<string, number>>;
  readonly grid: readonly [x: number, y: number | undefined, z: number];
}

/**
 * Plans a token: embedding, six dispatches a layer (seven where attention's splits are joined), head, and the search for the largest logit.
 * @throws TracerError `gpu-shader`, `gpu-limit`.
 */
export async function buildGraph(inputs: GraphInputs): Promise<DecodeGraph> {
  const { context } = inputs;
  const planned = planToken(inputs);
  const pipelines = await Promise.all(planned.map(({ pipeline }) => pipeline));
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const params = context.allocate('decode params', PARAMS_STEP * planned.length, usage);
  const dispatches = planned.map((plan, i) => {
    const pipeline = pipelines[i];
    if (pipeline === undefined) throw new RangeError('a dispatch without a pipeline');
    return bound(context, plan, pipeline, params, i);
  });
  return {
    dispatches,
    params,
    paramsFor(plan) {
      const bytes = new Uint8Array(planned.length * PARAMS_STEP);
      for (const [i, { kernel, params: of }] of planned.entries()) {
        const spec: KernelSpec = DECODE_KERNELS[kernel];
        writeParams(spec.params, of(plan), new DataView(bytes.buffer, i * PARAMS_STEP, paramsBytes(spec.params)));
      }
      return bytes;
    },
  };
}

/**
 * Compiles the kernels of {@link buildGraph} and binds nothing.
 * @throws TracerError `gpu-shader`, `gpu-limit`.
 */
export async function compileToken(inputs: GraphInputs): Promise<void> {
  await Promise.all(planToken(inputs).map(({ pipeline }) => pipeline));
}

function planToken(inputs: GraphInputs): readonly Planned[] {
  const planned: Planned[] = [];
  const add: Add = (kernel, bindings, paramsOf, grid, options = {}) => {
    const spec: KernelSpec = DECODE_KERNELS[kernel];
    const pipeline = getPipeline(inputs.context, spec, options.variant ?? spec.variants[0] ?? { id: 'plain' }, 'bound');
    // The first failure is met by whoever awaits them; the others must not count as unhandled.
    pipeline.catch(() => undefined);
    planned.push({ kernel, layer: options.layer, pipeline, bindings, params: paramsOf, grid });
  };
  planEmbedding(inputs, add);
  for (let layer = 0; layer < inputs.hparams.nLayer; layer++) {
    planAttention(inputs, layer, add);
    planExperts(inputs, layer, add);
  }
  planHead(inputs, add);
  return planned;
}

type Add = <N extends DecodeKernel>(
  kernel: N,
  bindings: Readonly<Record<BindingName<KernelOf<N>>, GPUBuffer>>,
  params: (plan: TapPlan) => Params<N>,
  grid: Planned['grid'],
  options?: { readonly layer?: number; readonly variant?: KernelVariant },
) => void;

function planEmbedding({ weights, buffers, taps, hparams }: GraphInputs, add: Add): void {
  const { type, tiles } = weights.matrix('token_embd');
  const nIn = hparams.nEmbd;
  for (const { buffer, firstRow, rows } of tiles) {
    add(
      'embed',
      { token: buffers.token, gain: weights.vector('attn_norm', 0), weights: buffer, y: buffers.x, taps },
      (plan) => ({ nIn, rowVec4s: rowVec4s(type, nIn), firstRow, rows, tapEmbedding: plan.place('embedding') }),
      // A lane for 32 elements.
      [Math.ceil(nIn / 32 / 64), 1, 1],
      { variant: typeVariant(type) },
    );
  }
}

function planAttention(inputs: GraphInputs, layer: number, add: Add): void {
  const { weights, buffers, taps, hparams, choice } = inputs;
  const { nEmbd, qDim, rmsEps: eps } = hparams;
  const stacks = inputs.stacks[layer] ?? [];
  const [a, b, c] = stacks;
  if (a === undefined) return;
  const { qkv: team } = choice.teams;
  const perGroup = rowsPerGroup(team);
  const [rowsA, rowsB, rowsC] = [a.rows, b?.rows ?? 0, c?.rows ?? 0];
  const [groupsA, groupsB, groupsC] = [rowsA, rowsB, rowsC].map((rows) => Math.ceil(rows / perGroup));
  const groupsAb = (groupsA ?? 0) + (groupsB ?? 0);
  add(
    'qkv',
    {
      stream: buffers.x,
      weightsA: a.buffer,
      weightsB: (b ?? a).buffer,
      weightsC: (c ?? a).buffer,
      y: buffers.qkv,
      taps,
    },
    (plan) => ({
      batches: team.batches,
      rowsA,
      rowsB,
      rowsC,
      groupsA: groupsA ?? 0,
      groupsAb,
      stepA: rowVec4s(a.type, nEmbd),
      stepB: rowVec4s((b ?? a).type, nEmbd),
      stepC: rowVec4s((c ?? a).type, nEmbd),
      eps,
      squareCount: layer === 0 ? nEmbd / CHUNK : outGroups(hparams, choice.teams.expertsOut),
      tapNorm: plan.place('attn_norm', layer),
      tapQkv: plan.place('q_proj', layer),
    }),
    [groupsAb + (groupsC ?? 0), 1, 1],
    {
      layer,
      variant: variantOf(
        inputs,
        qkvJob(
          stacks.map(({ type }) => type),
          nEmbd,
        ),
      ),
    },
  );
  planHeads(inputs, layer, add);
  const out = only(weights.matrix('attn_output', layer));
  add(
    'project',
    {
      x: buffers.attention,
      residual: buffers.x,
      gain: weights.vector('ffn_norm', layer),
      weights: out.tile.buffer,
      y: buffers.middle,
      taps,
    },
    (plan) => ({
      batches: choice.teams.project.batches,
      rows: nEmbd,
      step: rowVec4s(out.type, qDim),
      tapProduct: plan.place('attn_out', layer),
      tapSum: plan.place('post_attn_residual', layer),
    }),
    [projectGroups(inputs, layer), 1, 1],
    {
      layer,
      variant: variantOf(inputs, {
        kernel: 'project',
        nIn: qDim,
        types: { '': out.type },
        constants: { SHARE: projectShare(inputs, layer) },
      }),
    },
  );
}

/** Attention itself, and its splits joined. */
function planHeads(inputs: GraphInputs, layer: number, add: Add): void {
  const { weights, buffers, taps, hparams, keys: keysOf, way } = inputs;
  const { nHead, nHeadKv, headDim, rmsEps: eps } = hparams;
  const joins = isJoined(way);
  const bindings = {
    qkv: buffers.qkv,
    step: buffers.step,
    gainQ: weights.vector('attn_q_norm', layer),
    gainK: weights.vector('attn_k_norm', layer),
    ...keysOf(layer),
    y: joins ? buffers.parts : buffers.attention,
    taps,
  };
  const common = (plan: TapPlan): Params<'attentionShared'> => ({
    nHead,
    nHeadKv,
    eps,
    scale: 1 / Math.sqrt(headDim),
    tapQNorm: plan.place('q_norm', layer),
    tapKNorm: plan.place('k_norm', layer),
    tapQRope: plan.place('q_post_rope', layer),
    tapKRope: plan.place('k_post_rope', layer),
    tapScores: plan.place('attn_scores', layer),
  });
  const own = (plan: TapPlan): Params<'attention'> => ({
    ...common(plan),
    tapSoftmax: joins ? NOWHERE : plan.place('attn_softmax', layer),
    tapAttention: joins ? NOWHERE : plan.place('attention', layer),
  });
  const { kernel, variant, width } = attentionKernel(hparams, way);
  const grid = [width, undefined, 1] as const;
  const options = { layer, variant };
  if (kernel === 'attentionShared') add(kernel, bindings, common, grid, options);
  else if (kernel === 'attention') add(kernel, bindings, own, grid, options);
  else add(kernel, bindings, (plan) => ({ ...own(plan), isWhole: joins ? 0 : 1 }), grid, options);
  if (!joins) return;
  add(
    'attentionJoin',
    { parts: buffers.parts, step: buffers.step, y: buffers.attention, taps },
    (plan) => ({
      nHead,
      headDim,
      tapScores: plan.place('attn_scores', layer),
      tapSoftmax: plan.place('attn_softmax', layer),
      tapAttention: plan.place('attention', layer),
    }),
    [Math.ceil(headDim / JOIN_LANES), nHead, 1],
    { layer, variant: joinVariant(way) },
  );
}

function planExperts(inputs: GraphInputs, layer: number, add: Add): void {
  const { weights, buffers, taps, hparams, choice } = inputs;
  const { nEmbd, nExpert, nExpertUsed: nUsed, nFfExp, rmsEps: eps } = hparams;
  const router = only(weights.matrix('ffn_gate_inp', layer));
  const { teams } = choice;
  // A sum of each workgroup.
  const squareCount = projectGroups(inputs, layer);
  add(
    'router',
    {
      stream: buffers.middle,
      gain: weights.vector('ffn_norm', layer),
      weights: router.tile.buffer,
      y: buffers.router,
      taps,
    },
    (plan) => ({
      batches: teams.router.batches,
      rows: nExpert,
      step: rowVec4s(router.type, nEmbd),
      eps,
      squareCount,
      tapNorm: plan.place('ffn_norm', layer),
      tapLogits: plan.place('moe_router_logits', layer),
    }),
    [Math.ceil(nExpert / rowsPerGroup(teams.router)), 1, 1],
    { layer, variant: variantOf(inputs, { kernel: 'router', nIn: nEmbd, types: { '': router.type } }) },
  );
  const gate = weights.matrix('ffn_gate_exps', layer);
  const up = weights.matrix('ffn_up_exps', layer);
  const job = expertsInJob(choice, { gate: gate.type, up: up.type, nIn: nEmbd, nExpert, nUsed });
  for (const gates of gate.tiles) {
    for (const ups of up.tiles) {
      const first = Math.max(gates.firstRow, ups.firstRow);
      const end = Math.min(gates.firstRow + gates.rows, ups.firstRow + ups.rows);
      if (first >= end) continue;
      add(
        'expertsIn',
        {
          stream: buffers.middle,
          router: buffers.router,
          weightsGate: gates.buffer,
          weightsUp: ups.buffer,
          y: buffers.hidden,
          route: buffers.route,
          taps,
        },
        (plan) => ({
          batches: teams.expertsIn.batches,
          rows: nFfExp,
          nExpert,
          stepGate: rowVec4s(gate.type, nEmbd),
          stepUp: rowVec4s(up.type, nEmbd),
          firstExpert: first / nFfExp,
          endExpert: end / nFfExp,
          firstGate: gates.firstRow / nFfExp,
          firstUp: ups.firstRow / nFfExp,
          eps,
          squareCount,
          tapProbs: plan.place('moe_router_probs', layer),
          tapIndices: plan.place('moe_router_indices', layer),
          tapRouter: plan.place('moe_router', layer),
          tapGate: plan.place('moe_expert_gate', layer),
          tapUp: plan.place('moe_expert_up', layer),
          tapSwiglu: plan.place('moe_expert_swigl', layer),
        }),
        [1 + Math.ceil(nFfExp / rowsPerGroup(teams.expertsIn)), nUsed, 1],
        {
          layer,
          variant: variantOf(inputs, job),
        },
      );
    }
  }
  const down = only(weights.matrix('ffn_down_exps', layer));
  const isLast = layer === hparams.nLayer - 1;
  add(
    'expertsOut',
    {
      x: buffers.hidden,
      route: buffers.route,
      residual: buffers.middle,
      gain: isLast ? weights.vector('output_norm') : weights.vector('attn_norm', layer + 1),
      weights: down.tile.buffer,
      y: buffers.x,
      taps,
    },
    (plan) => ({
      batches: teams.expertsOut.batches,
      rows: nEmbd,
      step: rowVec4s(down.type, nFfExp),
      tapExperts: plan.place('moe_expert_out', layer),
      tapSum: plan.place('moe_ffn_out', layer),
      tapResidual: plan.place('post_ffn_residual', layer),
    }),
    [outGroups(hparams, teams.expertsOut), 1, 1],
    {
      layer,
      variant: variantOf(inputs, {
        kernel: 'expertsOut',
        nIn: nFfExp,
        types: { '': down.type },
        constants: { USED: nUsed },
      }),
    },
  );
}

function planHead(inputs: GraphInputs, add: Add): void {
  const { weights, buffers, taps, hparams, choice } = inputs;
  const { nEmbd, nVocab, rmsEps: eps } = hparams;
  const head = weights.matrix('output');
  const team = choice.teams.head;
  for (const { buffer, firstRow, rows } of head.tiles) {
    const groups = Math.ceil(rows / rowsPerGroup(team));
    const z = Math.ceil(groups / MAX_GROUPS);
    add(
      'head',
      { stream: buffers.x, weights: buffer, y: buffers.logits, taps },
      (plan) => ({
        batches: team.batches,
        rows,
        step: rowVec4s(head.type, nEmbd),
        firstRow,
        eps,
        squareCount: outGroups(hparams, choice.teams.expertsOut),
        tapNorm: plan.place('final_norm'),
      }),
      [Math.ceil(groups / z), 1, z],
      { variant: variantOf(inputs, { kernel: 'head', nIn: nEmbd, types: { '': head.type } }) },
    );
  }
  const { perGroup, count } = argmaxParts(nVocab);
  add('argmaxParts', { x: buffers.logits, parts: buffers.best }, () => ({ count: nVocab, perGroup }), [count, 1, 1]);
  add('argmaxLast', { parts: buffers.best, token: buffers.token }, () => ({ count }), [1, 1, 1]);
}

function bound(
  { device }: GpuContext,
  { kernel, layer, bindings, grid }: Planned,
  pipeline: Pipeline,
  params: GPUBuffer,
  index: number,
): DecodeDispatch {
  const spec: KernelSpec = DECODE_KERNELS[kernel];
  const entries: GPUBindGroupEntry[] = [];
  for (const { name } of storageBindings(spec)) {
    const buffer = bindings[name];
    if (buffer === undefined) throw new RangeError(`${spec.file} binds ${name}, which was not given`);
    entries.push({ binding: entries.length, resource: { buffer } });
  }
  entries.push({
    binding: entries.length,
    resource: { buffer: params, offset: index * PARAMS_STEP, size: paramsBytes(spec.params) },
  });
  const group = device.createBindGroup({ label: spec.file, layout: pipeline.layout, entries });
  const [x, y, z] = grid;
  return { kernel, layer, pipeline: pipeline.pipeline, group, x, y, z };
}

/** A matrix that lies in one buffer. Callers have made sure (`decode-refusal.ts`). */
function only({ type, tiles }: DecodeMatrix): { readonly type: DecodeMatrix['type']; readonly tile: WeightTile } {
  const [tile] = tiles;
  if (tile === undefined || tiles.length > 1) throw new RangeError('a matrix of several tiles where one was expected');
  return { type, tile };
}

function variantOf({ hparams, choice }: GraphInputs, job: TeamJob): KernelVariant {
  const team = choice.teams[job.kernel];
  const sized = job.kernel === 'expertsOut' ? { ...team, group: outGroup(team, hparams.nExpertUsed) } : team;
  return teamVariant(choice, sized, job);
}

/** Teams that share a row of a layer's output projection. */
function projectShare({ weights, hparams, choice }: GraphInputs, layer: number): number {
  const { type } = weights.matrix('attn_output', layer);
  return teamsPerRow(choice.teams.project, rowUnits(type, hparams.qDim));
}

function projectGroups(inputs: GraphInputs, layer: number): number {
  const { project } = inputs.choice.teams;
  return Math.ceil(inputs.hparams.nEmbd / (rowTeams(project, projectShare(inputs, layer)) * project.batches));
}

/** Workgroups of the experts' second half; each leaves a sum of squares. */
function outGroups({ nEmbd, nExpertUsed }: HParams, team: TeamShape): number {
  const teams = rowTeams({ ...team, group: outGroup(team, nExpertUsed) }, nExpertUsed);
  return Math.ceil(nEmbd / (teams * team.batches));
}

function rowVec4s(type: DecodeMatrix['type'], nIn: number): number {
  return gpuRowWords(type, nIn) / 4;
}
