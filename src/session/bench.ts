import { throwIfAborted } from '../base/abort';
import { formatDuration, formatMilliseconds } from '../base/format';
import { seededRandom } from '../base/random';
import { TOOL } from '../base/version';
import { createCpuEngine } from '../cpu/engine/cpu-engine';
import { fileTypeName } from '../gguf/file-type';
import type { ModelFile } from '../gguf/model-file';
import { readBandwidth } from '../gpu/bench/read-bandwidth';
import { attachMeter, type GpuCounts } from '../gpu/bench/meter';
import { attachProfile } from '../gpu/bench/profile';
import type { GpuContext } from '../gpu/device';
import { createGpuEngine } from '../gpu/engine/gpu-engine';
import type { EngineHooks } from '../model/engine';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import { decoderTimer, engineTimer, median, traceCostOf } from './bench-decode';
import { benchEngine, type BenchEngine } from './bench-engine';
import type { BenchReport } from './bench-report';
import type { DecoderChoice } from './decoded-by';
import { FOLLOWED_PROMPT } from './generate';
import { openFastDecode, type FastDecode, type NoFastDecode } from './fast-decode';
import type { Host } from './host';
import { bytesPerToken } from './token-bytes';
import { FFN_OUT, ROUTER_WEIGHTS } from '../model/stage-roles';

/** An engine on a device, or the reference, made for a benchmark. */
export interface BenchTarget {
  readonly engine: BenchEngine;
  /** Brings all weights where they stay, before the timed runs; false when they do not fit. */
  preload?(signal: AbortSignal | undefined): Promise<boolean>;
  /** Who decodes behind the prompt, once it was tried to preload; absent: the engine. */
  openDecoder?(signal: AbortSignal | undefined): Promise<FastDecode | NoFastDecode>;
  memory(): { readonly gpuWeightBytes?: number; readonly gpuPeakBytes?: number };
  dispose(): Promise<void>;
}

export interface BenchInput {
  /** Stays the caller's to close. */
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly host: Host;
  readonly engine: 'gpu' | 'cpu';
  /** Tokens of the prompt, tokens decoded after it, and how often the prompt is repeated. */
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly repeats: number;
  readonly gpuBudget?: number | undefined;
  /** Who decodes on the GPU: `auto` when not given. */
  readonly decoder?: DecoderChoice | undefined;
  /** Another engine than the one that traces. */
  readonly makeGpuTarget?: (context: GpuContext, hooks: EngineHooks) => Promise<BenchTarget>;
  readonly processPeakBytes?: (() => number) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What is measured now; of prompts that take long, with the time that is left. */
  readonly onPhase?: ((phase: string) => void) | undefined;
  /** What was measured, in words, as soon as it is: a benchmark that is ended early has said it. */
  readonly onMeasured?: ((what: string) => void) | undefined;
}

/** Milliseconds between two words on how long a prompt still takes: short ones say nothing. */
const TELL_MS = 2000;

/** What is captured to know what a trace costs: the two headline stages. */
const TRACED: readonly StageId[] = [ROUTER_WEIGHTS, FFN_OUT];
/** Tokens decoded with every dispatch timed by itself. */
const PROFILED_TOKENS = 4;

/**
 * Measures one engine of a model: loading, prompts, decoding, what tracing adds, where a token's time goes. Token ids are seeded, so that two
 * benchmarks of a model run the same tokens.
 * @throws TracerError `gpu-*`, `source-*`, `run-cancelled`
 */
export async function runBench(input: BenchInput): Promise<BenchReport> {
  const { model, hparams, host, signal } = input;
  const phase = (name: string): void => {
    throwIfAborted(signal);
    input.onPhase?.(name);
  };
  let bytesRead = 0;
  const hooks: EngineHooks = {
    onRead: (_tensor, bytes) => {
      bytesRead += bytes;
    },
  };
  if (input.engine === 'gpu') phase('opening the device');
  const device = input.engine === 'gpu' ? await timed(() => host.openGpu()) : undefined;
  const context = device?.value;
  let target: BenchTarget | undefined;
  let opened: FastDecode | NoFastDecode | undefined;
  try {
    if (context !== undefined) phase('reading, for the yardstick');
    const read = context === undefined ? undefined : await readBandwidth(context);
    const meter = context === undefined ? undefined : attachMeter(context);
    target = await openTarget(input, context, hooks);
    const { engine } = target;
    const prompt = randomTokens(input.promptTokens, hparams.nVocab);

    const firstPrompt = `first prompt of ${prompt.length} tokens, nothing loaded`;
    phase(firstPrompt);
    let firstLayerMs: number | undefined;
    const started = performance.now();
    const left = timeLeft(firstPrompt, hparams.nLayer, phase);
    const onLayer = (layer: number): void => {
      if (layer === 0) firstLayerMs = performance.now() - started;
      left(layer);
    };
    let next = await engine.run(prompt, 0, { capture: [], onLayer, signal });
    const first = { firstLayerMs, firstPromptMs: performance.now() - started, bytesRead };
    input.onMeasured?.(`${firstPrompt}: ${formatMilliseconds(first.firstPromptMs)}`);
    phase('loading all weights that fit');
    const preload = target.preload?.bind(target);
    const whole = preload === undefined ? undefined : await timed(() => preload(signal));
    const load = { ...first, ...(whole?.value === true ? { wholeModelMs: whole.ms } : {}) };

    if (target.openDecoder !== undefined) phase('choosing who decodes');
    const fast = await target.openDecoder?.(signal);
    opened = fast;
    const follows = fast?.decoder !== undefined && prompt.length <= FOLLOWED_PROMPT;
    const runPrompt = async (onLayer: (layer: number) => void): Promise<number> => {
      if (!follows) return engine.run(prompt, 0, { capture: [], onLayer, signal });
      const { token } = await fast.decoder.follow(prompt, 0, { signal });
      fast.keys.keep(prompt.length);
      return token;
    };
    if (follows) await fast.decoder.prepareFor(0, prompt.length);

    const prefill: number[] = [];
    for (let i = 0; i < input.repeats; i++) {
      const what = `prompt of ${prompt.length} tokens, ${i + 1} of ${input.repeats}`;
      phase(what);
      const onLayer = timeLeft(what, hparams.nLayer, phase);
      const run = await timed(() => runPrompt(onLayer));
      next = run.value;
      prefill.push(run.ms);
      const rate = (prompt.length * 1000) / run.ms;
      input.onMeasured?.(`${what}: ${formatMilliseconds(run.ms)}, ${rate.toPrecision(3)} tokens/s`);
    }

    phase(`decoding ${input.newTokens} tokens, and as many traced ones`);
    const from = { token: next, nPast: prompt.length, meter, bytesRead: () => bytesRead };
    const timer = fast?.decoder === undefined ? engineTimer(engine, from) : decoderTimer(fast, from);
    // One of each kind that nobody counts: pipelines are compiled and buffers made.
    for (const capture of [[], TRACED]) await timer.one(capture);
    const { plain, traced, turns, counts, fileBytes, perToken } = await timer.both(input.newTokens, TRACED, signal);

    const kernels = context === undefined ? undefined : await kernelShares(context, phase, () => timer.one([]));
    const each = (of: (count: GpuCounts) => number): number =>
      counts.reduce((sum, count) => sum + of(count), 0) / counts.length;
    const needed = bytesPerToken(model, hparams);
    const tokensPerSecond = 1000 / perToken(plain);
    const { name: file, bytes } = model;
    return {
      schema: 'moescope-bench/2',
      tool: TOOL,
      created: new Date().toISOString(),
      model: { file, bytes, quant: fileTypeName(model), nLayer: hparams.nLayer },
      engine: engine.name,
      ...(context === undefined ? {} : { adapter: context.card }),
      runtime: host.runtime,
      load: { ...(device === undefined ? {} : { deviceMs: device.ms }), ...load },
      prefill: {
        tokens: prompt.length,
        by: follows ? 'decoder' : 'engine',
        ids: prompt,
        runs: prefill,
        tokensPerSecond: (prompt.length * 1000) / median(prefill),
      },
      decode: {
        ...(fast === undefined ? {} : { by: fast.by }),
        tokens: input.newTokens,
        runs: plain,
        tokensPerSecond,
        bytesPerToken: needed,
        bytesPerSecond: needed * tokensPerSecond,
        ...(read === undefined ? {} : { shareOfRead: (needed * tokensPerSecond) / read }),
        fileBytesPerToken: fileBytes / input.newTokens,
        ...(counts.length === 0
          ? {}
          : {
              dispatchesPerToken: each((c) => c.dispatches),
              submitsPerToken: each((c) => c.submits),
              readbacksPerToken: each((c) => c.readbacks),
            }),
      },
      ...(read === undefined ? {} : { readBandwidth: read }),
      traceCost: {
        stages: TRACED,
        tokensPerSecond: 1000 / perToken(traced),
        ...traceCostOf(turns),
      },
      ...(kernels === undefined ? {} : { kernels }),
      memory: {
        ...target.memory(),
        ...(input.processPeakBytes === undefined ? {} : { processPeakBytes: input.processPeakBytes() }),
      },
    };
  } finally {
    opened?.decoder?.dispose();
    await target?.dispose();
    context?.dispose();
  }
}

/** Says of a prompt how long it still takes, once a layer is through. */
function timeLeft(what: string, nLayer: number, phase: (name: string) => void): (layer: number) => void {
  const started = performance.now();
  let told = started;
  return (layer) => {
    const now = performance.now();
    const done = layer + 1;
    if (now - told < TELL_MS || done === nLayer) return;
    told = now;
    const seconds = (((now - started) / done) * (nLayer - done)) / 1000;
    phase(`${what}: layer ${done} of ${nLayer}, about ${formatDuration(seconds)} left`);
  };
}

/** The engines that trace, unless the caller brings one. */
async function openTarget(
  input: BenchInput,
  context: GpuContext | undefined,
  hooks: EngineHooks,
): Promise<BenchTarget> {
  const { model, hparams, host, gpuBudget } = input;
  if (context === undefined) {
    const pool = host.createPool(model);
    const engine = createCpuEngine({ model, hparams, pool, hooks });
    return {
      engine: benchEngine('reference (CPU, f64)', engine, hparams),
      memory: () => ({}),
      dispose: async () => {
        await engine.dispose();
        await pool.dispose();
      },
    };
  }
  if (input.makeGpuTarget !== undefined) return input.makeGpuTarget(context, hooks);
  const gpu = createGpuEngine({ context, model, hparams, budget: gpuBudget, hooks });
  return {
    engine: benchEngine('tracing engine (WebGPU, f32)', gpu, hparams),
    preload: (signal) => gpu.preload(signal),
    openDecoder: (signal) =>
      openFastDecode({
        ...{ context, model, hparams, engine: gpu, signal },
        ...{ wanted: input.decoder, mayLoad: true, store: host.tuning },
      }),
    memory: () => ({ gpuWeightBytes: gpu.stats().weightBytes, gpuPeakBytes: gpu.stats().peakBytes }),
    dispose: () => gpu.dispose(),
  };
}

async function kernelShares(
  context: GpuContext,
  phase: (name: string) => void,
  decode: () => Promise<void>,
): Promise<BenchReport['kernels']> {
  const profile = attachProfile(context);
  if (profile === undefined) return undefined;
  try {
    phase(`timing every dispatch of ${PROFILED_TOKENS} tokens`);
    for (let i = 0; i < PROFILED_TOKENS; i++) await decode();
    const times = await profile.take();
    const total = times.reduce((sum, time) => sum + time.microseconds, 0);
    return times.map(({ kernel, dispatches, microseconds }) => ({
      kernel,
      dispatchesPerToken: dispatches / PROFILED_TOKENS,
      microsecondsPerToken: microseconds / PROFILED_TOKENS,
      share: total === 0 ? 0 : microseconds / total,
    }));
  } finally {
    profile.detach();
  }
}

/** Seeded ids, the same for every benchmark of a vocabulary. */
export function randomTokens(count: number, nVocab: number): readonly number[] {
  const random = seededRandom(20_261);
  return Array.from({ length: count }, () => random.below(nVocab));
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const started = performance.now();
  const value = await work();
  return { value, ms: performance.now() - started };
}
