import { sumOrderOf } from '../matmul/choose-method';
import { orCancelled, throwIfAborted } from '../../base/abort';
import { fail } from '../../base/errors';
import type { ModelFile } from '../../gguf/model-file';
import type { EngineHooks, IsolatingEngine, StepOptions, StepResult, Capture } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import type { StageId } from '../../model/stages';
import { bindModel } from '../../arch/bind-model';
import type { BoundGraph } from '../../arch/bind';
import { sizeOf, type ModelGraph, type Node } from '../../arch/graph';
import { ATTENTION_TILED, tiledVariant } from '../../fusions/attention-tiled/kernel';
import type { DecodeKeys } from '../decode/decode-keys';
import { decodeWeights, type DecodeWeights } from '../decode/decode-weights';
import type { GpuContext } from '../device';
import { getPipeline } from '../pipelines';
import { Recorder } from '../recorder';
import { defaultBudget, roomyBudget } from '../weights/budget';
import { residentLayout, ResidentWeights, wholeModelBytes } from '../weights/resident-weights';
import { WeightCache, type WeightStats } from '../weights/weight-cache';
import { FreeRun } from './free-run';
import { keepHostFloats } from './host-floats';
import { IsolatedRun, type TokensAt } from './isolated-run';
import { KernelLog } from './kernel-log';
import { compileKernels } from './kernel-set';
import { Pacer } from './pacer';
import { keepRopeTables } from './rope-table';
import { ValueBuffers } from './value-buffers';
import { usualKernel, type KernelOf } from './op-kernels';
import type { StageKernel, Tools } from './stage-run';

export interface GpuEngineOptions {
  /** Stays the caller's to dispose. */
  readonly context: GpuContext;
  /** Stays the caller's to close. */
  readonly model: ModelFile;
  readonly hparams: HParams;
  /** Bytes of weights to keep on the GPU; undefined: `defaultBudget`. */
  readonly budget?: number | undefined;
  readonly hooks?: EngineHooks | undefined;
  /** Most tokens that are computed together; undefined: as many as memory allows. Values do not depend on it. */
  readonly chunkTokens?: number;
  /** How long a submit should keep the GPU busy, in milliseconds; undefined: as long as a live page allows. Values do not depend on it. */
  readonly submitMs?: number;
  /** Stages to compute in another way, given how they are computed now: faults on purpose, and naive kernels. */
  readonly replace?: Readonly<Record<StageId, (usual: StageKernel) => StageKernel>>;
  /** A mistake on purpose: the forward pass as it is wrongly computed. It has the stages of the right one. */
  readonly mistake?: (graph: ModelGraph) => ModelGraph;
  /** Whether attention stores no scores that are not captured; undefined: on hardware, where no stage is replaced. Values do not depend on it. */
  readonly fuseAttention?: boolean;
  /** Whether slots are grouped by expert on the GPU once all weights are there; undefined: where no stage is replaced. Values do not depend on it. */
  readonly groupOnGpu?: boolean;
}

/** What an engine holds and has read. Bytes of the device are those of all its engines. */
export interface GpuStats extends WeightStats {
  /** Bytes of all buffers now, and at their most. */
  readonly bytes: number;
  readonly peakBytes: number;
}

/** Keys and values of an engine, for decoding that goes on where its prompt ended, and back. */
export interface EngineKeys extends DecodeKeys {
  /** Positions whose keys and values are in place. */
  readonly kept: number;
  /** Tells the engine that the first `positions` are in place: a later `begin` may continue them. */
  keep(positions: number): void;
}

export interface GpuEngine extends IsolatingEngine {
  /**
   * Reads all weights to the GPU, if they fit the budget, so that no later step reads the file or waits to learn which experts were chosen.
   * What was kept of them so far is given up first, and read again. Changes no bit of what is computed. Between steps only.
   * @param beside called with the weight layout before reading starts and awaited with it (to compile kernels meanwhile). Must not reject.
   * @returns whether all weights are there.
   * @throws TracerError those of reading the file, `gpu-memory`, `gpu-lost`, `run-cancelled`.
   */
  preload(signal?: AbortSignal, beside?: (layout: DecodeWeights) => Promise<void>): Promise<boolean>;
  /** Bytes that {@link preload} needs on the GPU. */
  wholeBytes(): number;
  /** Bytes of weights that may be kept on the GPU: what the device really gives, where it can be asked and nobody said. */
  wholeBudget(): Promise<number>;
  /** All weights, once {@link preload} brought them. */
  resident(): (DecodeWeights & Pick<ResidentWeights, 'bytes'>) | undefined;
  /** Its keys and values; they end with the engine. Between steps only. */
  keys(): Promise<EngineKeys>;
  stats(): GpuStats;
}

/**
 * The candidate: every stage in WGSL, f32, in an order of sums that depends on the shapes only. Weights are streamed under a byte
 * budget; only chosen experts are read. Captured positions are prompt positions: those of a continued step start at `nPast`.
 * @throws TracerError from its methods: `prompt-empty`, `prompt-token`, `plan-range`, those of `bindGraph` and of reading the file,
 * `gpu-shader`, `gpu-limit`, `gpu-memory`, `gpu-validation`, `gpu-lost`, `run-cancelled`. After a failed step, `begin` starts afresh.
 */
export function createGpuEngine(options: GpuEngineOptions): GpuEngine {
  const { context, model, hooks } = options;
  let bytesRead = 0;
  const onRead = (tensor: string, bytes: number): void => {
    bytesRead += bytes;
    hooks?.onRead?.(tensor, bytes);
  };
  const cache = new WeightCache({
    ...{ context, model, onRead },
    budget: options.budget ?? defaultBudget(context),
    moreBudget:
      options.budget === undefined ? (held) => roomyBudget(context, wholeModelBytes(bound()), held) : undefined,
  });
  const recorder = new Recorder(context);
  const pacer = new Pacer(context, recorder, options.submitMs);
  const log = new KernelLog();
  const scratch = new ValueBuffers(context, 'scratch');
  const kernelOf = kernelsOf(options.replace ?? {});
  const replaced = new Set(Object.keys(options.replace ?? {}));
  const replaces = replaced.size > 0;
  /** Bound when it is first needed: an engine of a file that does not run is made, and fails its first step. */
  let found: BoundGraph | undefined;
  const bound = (): BoundGraph => (found ??= bindModel(model, options.mistake));
  let resident: (DecodeWeights & Pick<ResidentWeights, 'bytes'>) | undefined;
  let opened: Promise<{ readonly free: FreeRun; readonly isolated: IsolatedRun }> | undefined;
  let disposed = false;

  const open = async (): Promise<{ readonly free: FreeRun; readonly isolated: IsolatedRun }> => {
    const fuseAttention = options.fuseAttention ?? (!replaces && !context.card.isSoftware);
    const { sizes } = bound().graph;
    const tiled = fuseAttention ? tiledVariant(sizeOf(sizes, 'headDim')) : undefined;
    const [kernels] = await Promise.all([
      compileKernels(context, sizes),
      // Beside the others: a prompt would wait for it.
      tiled && getPipeline(context, ATTENTION_TILED, tiled),
    ]);
    const tools: Tools = {
      context,
      bound: bound(),
      hparams: options.hparams,
      recorder,
      log,
      kernels,
      cache,
      pacer,
      ropeTable: keepRopeTables(),
      hostFloats: keepHostFloats(model, onRead),
      scratch,
      onRead,
      chunkTokens: options.chunkTokens ?? Infinity,
      fuseAttention,
      groupOnGpu: options.groupOnGpu ?? !replaces,
      replaced,
    };
    return { free: new FreeRun(tools, kernelOf), isolated: new IsolatedRun(tools, kernelOf) };
  };

  const step = async (
    { signal }: StepOptions,
    body: (runs: { readonly free: FreeRun; readonly isolated: IsolatedRun }) => Promise<ReadonlyMap<StageId, Capture>>,
  ): Promise<StepResult> => {
    if (disposed) throw fail('internal', 'The GPU engine was disposed.', 'Create another one.');
    const started = performance.now();
    const before = bytesRead;
    throwIfAborted(signal);
    try {
      const captures = await context.step(async () => {
        opened ??= open();
        opened.catch(() => {
          opened = undefined;
        });
        return body(await orCancelled(opened, signal));
      });
      throwIfAborted(signal);
      return { captures, ms: performance.now() - started, bytesRead: bytesRead - before };
    } catch (error) {
      recorder.discard();
      pacer.reset();
      throw error;
    }
  };

  return {
    id: 'gpu',
    sumOrder: (nTokens) => sumOrderOf(nTokens, context.card),
    begin: (tokens, nPast, stepOptions) => step(stepOptions, ({ free }) => free.begin(tokens, nPast, stepOptions)),
    layer: (layer, stepOptions) => step(stepOptions, ({ free }) => free.layer(layer, stepOptions)),
    end: (stepOptions) => step(stepOptions, ({ free }) => free.end(stepOptions)),
    isolate: (layer, reference, stepOptions) =>
      step(stepOptions, ({ free, isolated }) => isolated.isolate(layer, reference, stepOptions, tokensOf(free))),
    wholeBytes: () => wholeModelBytes(bound()),
    wholeBudget: () => cache.wholeBudget(),
    resident: () => resident,
    async preload(signal, beside) {
      if (disposed) throw fail('internal', 'The GPU engine was disposed.', 'Create another one.');
      if (cache.resident !== undefined) return true;
      if (wholeModelBytes(bound()) > (await cache.wholeBudget())) return false;
      const load = { context, bound: bound(), onRead, signal };
      const weights = await context.step(async () => {
        // Free the cache first: the GPU may not hold the weights twice.
        await cache.clear();
        const standIns: GPUBuffer[] = [];
        const layout = residentLayout(context, bound(), () => {
          const buffer = context.allocate('layout', 4, GPUBufferUsage.STORAGE);
          standIns.push(buffer);
          return buffer;
        });
        opened ??= open();
        opened.catch(() => {
          opened = undefined;
        });
        const compiled = (beside?.(decodeWeights(bound(), layout)) ?? Promise.resolve()).finally(() => {
          for (const buffer of standIns) context.release(buffer);
        });
        const loaded = await ResidentWeights.load(load);
        // A cancelled or failed read does not wait for the driver.
        await compiled;
        return loaded;
      });
      cache.adopt(weights);
      resident = { ...decodeWeights(bound(), weights), bytes: weights.bytes };
      return true;
    },
    restore: async (tokens, layer, hidden, signal) => {
      await step({ capture: new Map(), ...(signal === undefined ? {} : { signal }) }, async ({ free }) => {
        await free.restore(tokens, layer, hidden);
        return new Map();
      });
    },
    async keys() {
      opened ??= open();
      const { free } = await opened;
      return {
        reserve: (positions) => {
          free.keys.reserve(positions);
        },
        slot: (layer, name) => free.keys.slot(layer, name),
        get kept() {
          return free.kept;
        },
        keep(positions) {
          free.kept = positions;
        },
      };
    },
    kernelUses: () => log.uses(),
    stats: () => ({ ...cache.stats, bytes: context.bytes, peakBytes: context.peakBytes }),
    async dispose() {
      if (disposed) return;
      disposed = true;
      const runs = await opened?.catch(() => undefined);
      runs?.free.dispose();
      runs?.isolated.dispose();
      scratch.dispose();
      cache.dispose();
      recorder.dispose();
    },
  };
}

/** Tokens of positions of the step that the free run began. */
function tokensOf(free: FreeRun): TokensAt {
  return (first, rows) => {
    const tokens = free.tokens.slice(first - free.nPast, first - free.nPast + rows);
    if (tokens.length === rows) return tokens;
    throw fail('internal', 'The embedding was isolated before `begin` told its tokens.', 'Call begin first.');
  };
}

function kernelsOf(replace: NonNullable<GpuEngineOptions['replace']>): KernelOf {
  const changes = new Map<string, (usual: StageKernel) => StageKernel>(Object.entries(replace));
  const changed = new Map<string, StageKernel>();
  return (node: Node) => {
    const usual = usualKernel(node);
    const change = changes.get(node.out.id);
    if (change === undefined) return usual;
    const key = `${node.out.id} ${node.op}`;
    const known = changed.get(key) ?? change(usual);
    changed.set(key, known);
    return known;
  };
}
