import type { AttentionMethod } from '../../fusions/attention/attention-plan';
import type { FusedDispatch, Operand } from '../../fusions/fusion';
import type { PlannedNodes, TokenPlan } from '../../fusions/plan-token';
import { kernelText } from '../../model/kernel-use';
import { kernelName, storageBindings, type KernelSpec } from '../../ops/kernel-spec';
import { paramsBytes, writeParams } from '../../ops/kernel-params';
import type { GpuContext } from '../device';
import type { KernelLog } from '../engine/kernel-log';
import { getPipeline, type Pipeline } from '../pipelines';
import { ARGMAX_LAST, ARGMAX_MOST_PARTS, ARGMAX_PARTS, argmaxParts } from './argmax';
import type { DecodeBuffers } from './decode-buffers';
import type { DecodeKeys } from './decode-keys';
import { NOWHERE, stageKey, type CapturePlan } from './decode-captures';
import type { DecodeWeights } from './decode-weights';

/** Params lie at multiples of this in their buffer: WebGPU's default alignment of a uniform binding. */
const PARAMS_STEP = 256;

/** One dispatch of a token, ready to be encoded. */
export interface DecodeDispatch {
  /** The fusion that it is of; `argmax` for the search for the largest logit. */
  readonly fusion: string;
  readonly kernel: KernelSpec;
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
  readonly plan: TokenPlan;
  readonly weights: DecodeWeights;
  readonly buffers: DecodeBuffers;
  readonly keys: Pick<DecodeKeys, 'slot'>;
  readonly method: AttentionMethod;
  readonly captures: GPUBuffer;
}

/** A token's dispatches in order, and the params that they read. */
export interface DecodeGraph {
  readonly dispatches: readonly DecodeDispatch[];
  /** The params with the places of a plan, to be written to `params`. */
  paramsFor(captures: CapturePlan): Uint8Array<ArrayBuffer>;
  /** Its own; the caller releases it. */
  readonly params: GPUBuffer;
  /** By {@link stageKey}: the kernels that write a captured value. */
  readonly kernels: ReadonlyMap<string, string>;
  /** Notes the kernels of some tokens. */
  note(log: KernelLog, tokens: number): void;
}

interface Planned {
  readonly part: PlannedNodes | undefined;
  readonly dispatch: FusedDispatch;
  readonly pipeline: Promise<Pipeline>;
}

/**
 * Binds a token's dispatches: those of its plan, and the search for the largest logit.
 * @throws TracerError `gpu-shader`, `gpu-limit`.
 */
export async function buildGraph(inputs: GraphInputs): Promise<DecodeGraph> {
  const { context } = inputs;
  const planned = dispatchesOf(inputs);
  const pipelines = await Promise.all(planned.map(({ pipeline }) => pipeline));
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const params = context.allocate('decode params', PARAMS_STEP * planned.length, usage);
  const dispatches = planned.map((one, i) => {
    const pipeline = pipelines[i];
    if (pipeline === undefined) throw new RangeError('a dispatch without a pipeline');
    return bound(inputs, one, pipeline, { buffer: params, offset: i * PARAMS_STEP });
  });
  return {
    dispatches,
    params,
    kernels: writersOf(planned),
    note(log, tokens) {
      for (const { part, dispatch } of planned) {
        log.note(dispatch.kernel, dispatch.variant, 'decode', part?.nodes ?? [], tokens);
      }
    },
    paramsFor(captures) {
      const bytes = new Uint8Array(planned.length * PARAMS_STEP);
      for (const [i, { part, dispatch }] of planned.entries()) {
        const { params: spec } = dispatch.kernel;
        const view = new DataView(bytes.buffer, i * PARAMS_STEP, paramsBytes(spec));
        writeParams(spec, { ...dispatch.params, ...places(part, dispatch, captures) }, view);
      }
      return bytes;
    },
  };
}

/**
 * Compiles the kernels of {@link buildGraph} and binds nothing.
 * @throws TracerError `gpu-shader`, `gpu-limit`.
 */
export async function compileToken(inputs: Pick<GraphInputs, 'context' | 'plan' | 'method'>): Promise<void> {
  await Promise.all(dispatchesOf(inputs).map(({ pipeline }) => pipeline));
}

function dispatchesOf({ context, plan, method }: Pick<GraphInputs, 'context' | 'plan' | 'method'>): readonly Planned[] {
  const planned = (dispatch: FusedDispatch, part?: PlannedNodes): Planned => {
    const pipeline = getPipeline(context, dispatch.kernel, dispatch.variant, 'bound');
    // Marks rejections as handled: `Promise.all` reports the first.
    pipeline.catch(() => undefined);
    return { part, dispatch, pipeline };
  };
  return [
    ...plan.parts.flatMap((part) => part.dispatchesIn(method).map((dispatch) => planned(dispatch, part))),
    ...argmaxOf(plan).map((dispatch) => planned(dispatch)),
  ];
}

/** The search for the largest logit, which leaves its index as the next token. */
function argmaxOf({ graph, logits }: TokenPlan): readonly FusedDispatch[] {
  const { perGroup, count } = argmaxParts(logits.count);
  const parts: Operand = { kind: 'scratch', name: 'best', words: 2 * ARGMAX_MOST_PARTS };
  return [
    {
      ...{ kernel: ARGMAX_PARTS, variant: ARGMAX_PARTS.variants[0] },
      bindings: { x: { kind: 'values', placed: { form: 'rows', values: [graph.head.output] } }, parts },
      ...{ params: { count: logits.count, perGroup }, grid: [count, 1, 1] },
    },
    {
      ...{ kernel: ARGMAX_LAST, variant: ARGMAX_LAST.variants[0], bindings: { parts, token: { kind: 'token' } } },
      ...{ params: { count }, grid: [1, 1, 1] },
    },
  ];
}

/** The kernels that write each captured value. */
function writersOf(planned: readonly Planned[]): ReadonlyMap<string, string> {
  const writers = new Map<string, string>();
  for (const { part, dispatch } of planned) {
    const { kernel, variant, leaves = [] } = dispatch;
    for (const [param, ids] of part?.captures ?? []) {
      if (!(param in kernel.params) || leaves.includes(param)) continue;
      for (const id of ids) writers.set(stageKey(id, part?.section.layer), kernelText(kernelName(kernel), variant.id));
    }
    const [written] = part?.writes ?? [];
    // What is written in rows of its own is captured by copying it.
    if (written?.form === 'rows' && written.values.length === 1)
      writers.set(
        stageKey(written.values[0]?.id ?? '', part?.section.layer),
        kernelText(kernelName(kernel), variant.id),
      );
  }
  return writers;
}

/** Where a dispatch's captured values go. */
function places(
  part: PlannedNodes | undefined,
  { kernel, leaves = [] }: FusedDispatch,
  captures: CapturePlan,
): Readonly<Record<string, number>> {
  const own = [...(part?.captures ?? [])].filter(([param]) => param in kernel.params);
  const kept = own.map(([param, [id = '']]) => [param, captures.place(id, part?.section.layer)] as const);
  return Object.fromEntries([...kept, ...leaves.map((param) => [param, NOWHERE] as const)]);
}

function bound(
  inputs: GraphInputs,
  { part, dispatch }: Planned,
  pipeline: Pipeline,
  params: { readonly buffer: GPUBuffer; readonly offset: number },
): DecodeDispatch {
  const { kernel, bindings, grid } = dispatch;
  const entries = storageBindings(kernel).map(({ name }, binding): GPUBindGroupEntry => {
    const operand = bindings[name];
    if (operand === undefined) throw new RangeError(`${kernel.file} binds ${name}, which was not given`);
    return { binding, resource: { buffer: bufferOf(operand, inputs, part) } };
  });
  const uniform = { ...params, size: paramsBytes(kernel.params) };
  const group = inputs.context.device.createBindGroup({
    label: kernel.file,
    layout: pipeline.layout,
    entries: [...entries, { binding: entries.length, resource: uniform }],
  });
  const [x, y, z] = grid;
  const layer = part?.section.layer;
  return { fusion: part?.fusion ?? 'argmax', kernel, layer, pipeline: pipeline.pipeline, group, x, y, z };
}

function bufferOf(
  operand: Operand,
  { plan, weights, buffers, keys, captures }: GraphInputs,
  part: PlannedNodes | undefined,
): GPUBuffer {
  const found = (buffer: GPUBuffer | undefined): GPUBuffer => {
    if (buffer === undefined) throw new RangeError(`no buffer for ${operand.kind}`);
    return buffer;
  };
  switch (operand.kind) {
    case 'values':
      return found(buffers.values.get(part?.buffer(operand.placed) ?? plan.logits.buffer));
    case 'scratch':
      return buffers.scratch(operand.name, operand.words);
    case 'state':
      return keys.slot(part?.section.layer ?? NaN, operand.slot.name);
    case 'vector':
      return weights.vector(operand.slot);
    case 'tile':
      return found(weights.matrix(operand.slot)[operand.tile]?.buffer);
    case 'stack':
      return found(weights.stacks(operand.slots)[operand.stack]?.[0]?.buffer);
    case 'token':
      return buffers.token;
    case 'step':
      return buffers.step;
    case 'captures':
      return captures;
  }
}
