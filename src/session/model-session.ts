import { orCancelled } from '../base/abort';
import { attempt, fail, toErrorData, TracerError, type ErrorCode, type ErrorData } from '../base/errors';
import { capped } from '../base/foreign-text';
import { TOOL } from '../base/version';
import { createCpuEngine, type CpuEngineOptions } from '../cpu/engine/cpu-engine';
import { createGgmlCpuEngine } from '../cpu/ggml/ggml-engine';
import { createExactGpuEngine } from '../exact-gpu/exact-gpu-engine';
import { createExactGpuPool } from '../exact-gpu/exact-gpu-pool';
import type { CpuPool } from '../cpu/pool/cpu-pool';
import type { AdapterCard, ModelCard, Report } from '../divergence/report';
import { modesOf, runModeOf } from '../divergence/run-mode';
import type { ModelFile } from '../gguf/model-file';
import { adapterArithmetic } from '../gpu/adapter-arithmetic';
import type { GpuContext } from '../gpu/device';
import { defaultBudget } from '../gpu/weights/budget';
import { createGpuEngine, type GpuEngine } from '../gpu/engine/gpu-engine';
import { createFaultyEngine } from '../gpu/faults/faulty-engine';
import { inEngineOrder, MOST_ENGINES, ENGINE_IDS, type BuiltInEngineId, type RunEngineId } from '../model/engines';
import type { EngineHooks, IsolatingEngine } from '../model/engine';
import { isLive, type LiveEngineId, type LiveEngine } from '../model/live';
import type { Fault } from '../model/faults';
import type { HParams } from '../model/hparams';
import { checkTokens } from '../model/check-step';
import { checkFault } from '../model/check-fault';
import { parseFault } from '../model/parse-fault';
import { readHParams } from '../model/read-hparams';
import { checkWeights, weightInFile } from '../model/bound-weights';
import type { RenderChat } from '../tokenizer/template-thread/renderer';
import { createTokenizer, type Tokenizer } from '../tokenizer/tokenizer';
import type { Progress, RunSpec, SessionEvent } from './events';
import { decodesOf } from './decode-passes';
import type { DecoderChoice } from './decoded-by';
import { isLocal, openFastDecode, type FastDecode, type NoFastDecode } from './fast-decode';
import { generate, type GeneratedToken, type GenerateEnd } from './generate';
import type { Host } from './host';
import type { JudgePool } from './judging/judge-pool';
import { modelCard } from './model-card';
import { ProgressMeter } from './progress';
import { promptTokens } from './prompt-tokens';
import { runWithBits, type PathEngines } from './other-paths';
import { runAsOftenAsAsked } from './repeat-run';
import { checkMemory } from './run-memory';
import type { SessionEngines, SessionInput, CaptureHandler } from './session-input';

/** Failures that leave the engines as good as before. After any other they are opened afresh. */
const HARMLESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'run-cancelled',
  'prompt-empty',
  'prompt-length',
  'prompt-token',
  'plan-stage',
  'plan-range',
  'fault-spec',
  'usage',
]);

type CpuEngineId = Exclude<BuiltInEngineId, 'gpu' | 'exact-gpu'>;

const CPU_ENGINES: Readonly<Record<CpuEngineId, (options: CpuEngineOptions) => IsolatingEngine>> = {
  cpu: createCpuEngine,
  'cpu-ggml': createGgmlCpuEngine,
};

export interface RunHandlers {
  readonly onEvent: (event: SessionEvent) => void;
  readonly onCapture?: CaptureHandler;
  readonly onLocalCapture?: CaptureHandler;
  readonly signal?: AbortSignal;
  /** The GPU was lost in mid-run: resolves once someone wants to go on from the last finished layer, rejects to end the run. */
  readonly onLost?: (error: ErrorData, layersDone: number) => Promise<void>;
}

export interface GenerateHandlers {
  readonly count: number;
  readonly onToken: (token: GeneratedToken) => void;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly decoder?: DecoderChoice | undefined;
  /** Whether a model on a server may be read whole, to decode with all weights on the GPU; a local one always may. */
  readonly mayLoad?: boolean;
}

interface OpenGpu {
  readonly engine: GpuEngine;
  /** As asked for. */
  readonly budget: number | undefined;
  readonly clean: boolean;
  fast?: FastDecode | undefined;
  /** Why there was none, by what was asked for: nothing is loaded twice in vain. */
  readonly refused: Map<string, NoFastDecode>;
}

/**
 * One opened model with its engines, kept warm between runs: a second prompt finds its weights on the GPU. Runs one prompt at a time.
 * The model is the session's to close.
 */
export class ModelSession {
  readonly model: ModelFile;
  readonly hparams: HParams;
  readonly card: ModelCard;
  readonly tokenizer: Tokenizer | undefined;
  /** Why text cannot be tokenised; token ids still run. */
  readonly tokenizerError: ErrorData | undefined;
  readonly #host: Host;
  #pool: CpuPool | undefined;
  #judges: JudgePool | undefined;
  readonly #cpu = new Map<string, IsolatingEngine>();
  #exactGpu: { readonly engine: IsolatingEngine; readonly pool: CpuPool; readonly context: GpuContext } | undefined;
  #live: { readonly key: string; readonly engine: LiveEngine } | undefined;
  #context: Promise<GpuContext> | undefined;
  #gpu: OpenGpu | undefined;
  #meter: ProgressMeter | undefined;
  /** What both engines still hold keys and values of: the run or continuation before. */
  #past: { readonly run: string; readonly tokens: readonly number[] } | undefined;
  #running = false;
  #restored = false;
  readonly #hooks: EngineHooks = { onRead: (tensor, bytes) => this.#meter?.hooks.onRead?.(tensor, bytes) };

  /** @throws TracerError `gguf-*` when the file is no Qwen3-MoE model that can be run: every tensor is checked here. */
  constructor(model: ModelFile, host: Host) {
    this.model = model;
    this.#host = host;
    this.hparams = readHParams(model);
    this.card = modelCard(model, this.hparams, checkWeights(model, this.hparams));
    const tokenizer = attempt(() => createTokenizer(model.metadata));
    this.tokenizer = tokenizer.value;
    this.tokenizerError = tokenizer.error;
  }

  /**
   * Token ids of a prompt, or of one user turn of the chat template.
   * @throws TracerError `tokenizer-*`, `chat-template`, `prompt-*`, `run-cancelled`
   */
  async tokenize(text: string, { chat }: { readonly chat: boolean }, signal?: AbortSignal): Promise<readonly number[]> {
    if (this.tokenizer === undefined) {
      throw this.tokenizerError === undefined
        ? fail('internal', 'No tokenizer.', 'Give token ids.')
        : new TracerError(this.tokenizerError);
    }
    const render = this.#host.renderChat ?? renderHere;
    return promptTokens(this.tokenizer, this.model.metadata, text, chat ? render : undefined, signal);
  }

  /** A token as people read it, cut where no vocabulary has one as long; its number where the file has no usable vocabulary. */
  tokenText(id: number): string {
    return capped(this.tokenizer?.tokenText(id) ?? `#${id}`);
  }

  /** The device that runs use, opened on first need. @throws TracerError `gpu-unavailable`, `gpu-adapter`. */
  gpuContext(): Promise<GpuContext> {
    if (this.#context === undefined) {
      const opening = this.#host.openGpu();
      this.#context = opening;
      opening.catch(() => {
        if (this.#context === opening) this.#context = undefined;
      });
    }
    return this.#context;
  }

  /**
   * Runs a prompt and compares the engines.
   * @throws TracerError `run-busy`, `fault-spec`, or what `runSession` throws; after any failure but a cancel the engines are opened afresh next time.
   */
  async run(asked: RunSpec, handlers: RunHandlers): Promise<Report> {
    const spec = withPossibleModes(asked);
    this.#checkLength(spec, handlers);
    if (this.#running) throw fail('run-busy', 'A run is under way.', 'Wait for it, or cancel it.');
    this.#running = true;
    const meter = new ProgressMeter((progress) => {
      handlers.onEvent({ type: 'progress', progress });
    });
    this.#meter = meter;
    this.#past = undefined;
    this.#restored = false;
    meter.update('prepare', 0, 1);
    try {
      const { faults, ...engines } = await orCancelled(this.#openEngines(spec), handlers.signal).catch(
        (error: unknown) => {
          const data = toErrorData(error);
          handlers.onEvent(
            data.code === 'run-cancelled' ? { type: 'cancelled', layersDone: 0 } : { type: 'failed', error: data },
          );
          throw error;
        },
      );
      const input: SessionInput = {
        spec,
        model: this.model,
        hparams: this.hparams,
        engines,
        judges: this.#judging(),
        faults,
        meter,
        adapter: spec.engines.includes('gpu') ? await this.#adapter() : undefined,
        parts: {
          tool: TOOL,
          runtime: this.#host.runtime,
          ...(this.#host.browser === undefined ? {} : { browser: this.#host.browser }),
          model: this.card,
          typeOf: (tensor) => weightInFile(this.model, this.hparams, tensor)?.type,
          inFile: (tensor, expert) => weightInFile(this.model, this.hparams, tensor, expert),
          tokenText: (id) => this.tokenText(id),
          memory: () => this.#memory(),
        },
        onEvent: handlers.onEvent,
        onCapture: handlers.onCapture,
        onLocalCapture: handlers.onLocalCapture,
        signal: handlers.signal,
        openDecoder:
          spec.engines[0] === 'gpu'
            ? () => this.#fastDecode(faults, { decoder: spec.decoder ?? 'fast', signal: handlers.signal })
            : undefined,
        reopen: this.#reopener(spec, faults, handlers),
      };
      const often = (one: SessionInput): Promise<Report> => runAsOftenAsAsked(one, () => this.#openEngines(spec));
      const paths = spec.thorough === true ? this.#pathEngines(spec, faults) : undefined;
      const report = await (paths === undefined ? often(input) : runWithBits(input, often, paths));
      // An engine that only ran stages alone, or with another's experts, or with faults (it is made anew each time) has no past to go on from.
      const kept = spec.routing !== 'reference' && (spec.mode !== 'isolated' || spec.engines.length === 1);
      // A run that was taken up on another device has the keys and values of its last layers only.
      if (kept && faults.length === 0 && !this.#restored) this.#past = { run: enginesKey(spec), tokens: spec.tokens };
      return report;
    } catch (error) {
      if (!HARMLESS.has(toErrorData(error).code)) await this.#closeEngines();
      throw error;
    } finally {
      this.#meter = undefined;
      this.#running = false;
    }
  }

  /**
   * Continues a run's prompt greedily on its engines; where these have just run it, with their keys and values kept. Tokens behind the prompt
   * are the fast decoder's where it can serve: each says which it was.
   * @param tokens the run's prompt and what was generated before
   * @throws TracerError `run-busy`, `run-cancelled`, or what an engine threw
   */
  async generate(spec: RunSpec, tokens: readonly number[], handlers: GenerateHandlers): Promise<GenerateEnd> {
    if (this.#running) throw fail('run-busy', 'A run is under way.', 'Wait for it, or cancel it.');
    checkTokens(tokens, this.hparams.nVocab);
    this.#running = true;
    const past = this.#past?.run === enginesKey(spec) ? this.#past.tokens : [];
    this.#past = undefined;
    const said: number[] = [];
    const meter = new ProgressMeter((progress) => handlers.onProgress?.(progress));
    this.#meter = meter;
    try {
      const engines = await orCancelled(this.#openEngines(spec), handlers.signal);
      const fast = spec.engines.includes('gpu') ? await this.#fastDecode(engines.faults, handlers) : undefined;
      const end = await generate({
        engines,
        hparams: this.hparams,
        tokens,
        promptLength: spec.tokens.length,
        fast: fast?.decoder === undefined ? undefined : fast,
        decodedBy: fast?.by,
        onLayer: (done, of) => {
          meter.update('layers', done, of);
        },
        nPast: commonLength(past, tokens),
        count: handlers.count,
        eosId: this.tokenizer?.eosId,
        tokenText: (id) => this.tokenText(id),
        onToken: (token) => {
          said.push(token.token);
          handlers.onToken(token);
        },
        signal: handlers.signal,
      });
      // The last token said has not been fed back.
      if (engines.faults.length === 0)
        this.#past = { run: enginesKey(spec), tokens: [...tokens, ...said.slice(0, -1)] };
      return end;
    } catch (error) {
      if (!HARMLESS.has(toErrorData(error).code)) await this.#closeEngines();
      throw error;
    } finally {
      this.#meter = undefined;
      this.#running = false;
    }
  }

  /** Ends workers, frees the GPU and closes the file. */
  async dispose(): Promise<void> {
    await this.#closeEngines();
    await this.model.close();
  }

  async #openEngines(spec: RunSpec): Promise<{
    readonly a?: SessionEngines['a'];
    readonly b?: SessionEngines['b'];
    readonly quantised?: SessionEngines['quantised'];
    readonly faults: readonly Fault[];
  }> {
    const faults = this.#faults(spec);
    const [first, second] = checkEngines(spec.engines);
    const open = async (engine: RunEngineId): Promise<IsolatingEngine | LiveEngine> => {
      if (engine === 'gpu') return this.#gpuEngine(spec.gpuBudget, faults);
      if (engine === 'exact-gpu') return this.#exactGpuEngine();
      return isLive(engine) ? this.#liveEngine(engine, spec) : this.#cpuEngine(engine);
    };
    // An engine that runs alone stands on the side that it is mostly on.
    if (second === undefined)
      return first === 'gpu' || isLive(first) ? { a: await open(first), faults } : { b: await open(first), faults };
    // Threads start while a device is opened.
    const reference = second === 'cpu' ? open(second) : undefined;
    if (second === 'cpu' && modesOf(spec.mode).has('local')) this.#judging()?.warm();
    const a = await open(first);
    const b = await (reference ?? open(second));
    return { a, b, faults, ...(isForeign(spec) ? { quantised: this.#cpuEngine('cpu-ggml', 'quantised') } : {}) };
  }

  /** Before anything runs. @throws TracerError `prompt-*`, `plan-*`; the event is sent first */
  #checkLength(spec: RunSpec, { onEvent }: RunHandlers): void {
    const { error } = attempt(() => {
      checkTokens(spec.tokens, this.hparams.nVocab);
      checkMemory(spec, this.hparams, spec.tokens.length, this.#host.memoryBytes);
    });
    if (error === undefined) return;
    onEvent({ type: 'failed', error });
    throw new TracerError(error);
  }

  /** @throws TracerError `fault-spec` */
  #faults({ inject = [], tokens, engines }: RunSpec): readonly Fault[] {
    const faults = inject.map(parseFault);
    const { hparams, model } = this;
    const typeOf = (tensor: string): string | undefined => model.tensors.get(tensor)?.type;
    for (const fault of faults) checkFault(fault, { hparams, nTokens: tokens.length, typeOf });
    if (faults.length > 0 && !engines.includes('gpu')) {
      throw fail(
        'fault-spec',
        'Faults strike the GPU engine, which this run does not have.',
        'Run the engine gpu too.',
        {
          engines: engines.join(','),
        },
      );
    }
    return faults;
  }

  /** Another GPU engine in place of one whose device is lost; the reference stays as it is. */
  #reopener(spec: RunSpec, faults: readonly Fault[], handlers: RunHandlers): SessionInput['reopen'] {
    const { onLost, signal } = handlers;
    if (onLost === undefined || spec.engines[0] !== 'gpu') return undefined;
    return async (error, layersDone) => {
      await closeGpu(this.#gpu);
      (await this.#context?.catch(() => undefined))?.dispose();
      this.#gpu = undefined;
      this.#context = undefined;
      this.#restored = true;
      await orCancelled(onLost(toErrorData(error), layersDone), signal);
      return this.#gpuEngine(spec.gpuBudget, faults);
    };
  }

  async #adapter(): Promise<AdapterCard> {
    const context = await this.gpuContext();
    // A device that is lost meanwhile fails the run's own first step, which can be taken up on another.
    const arithmetic = await adapterArithmetic(context).catch(() => undefined);
    return { ...context.card, ...(arithmetic === undefined ? {} : { arithmetic }) };
  }

  /** Engines to try other ways of running with; none where the run is of something else than a clean engine of the GPU. */
  #pathEngines({ engines }: RunSpec, faults: readonly Fault[]): PathEngines | undefined {
    if (engines[0] !== 'gpu' || faults.length > 0) return undefined;
    const { model, hparams } = this;
    return {
      open: async (how) =>
        createGpuEngine({ context: await this.gpuContext(), model, hparams, hooks: this.#hooks, ...how }),
      resident: () => {
        const engine = this.#gpu?.engine;
        return engine?.resident() === undefined ? undefined : engine;
      },
    };
  }

  /** A clean engine stays warm; one with faults is for one run, and no clean run ever meets it or its buffers. */
  async #gpuEngine(budget: number | undefined, faults: readonly Fault[]): Promise<GpuEngine> {
    const context = await this.gpuContext();
    const clean = faults.length === 0;
    if (clean && this.#gpu?.clean === true && this.#gpu.budget === budget) return this.#gpu.engine;
    this.#gpu?.fast?.decoder?.dispose();
    await this.#gpu?.engine.dispose();
    const { model, hparams } = this;
    const options = { context, model, hparams, budget, hooks: this.#hooks };
    const engine = clean ? createGpuEngine(options) : createFaultyEngine(options, faults);
    this.#gpu = { engine, budget, clean, refused: new Map() };
    return engine;
  }

  /** The decoder on the engine that is open, or why there is none. Kept with the engine. */
  async #fastDecode(
    faults: readonly Fault[],
    handlers: Pick<GenerateHandlers, 'decoder' | 'mayLoad' | 'signal'>,
  ): Promise<FastDecode | NoFastDecode> {
    const gpu = this.#gpu;
    if (gpu === undefined || faults.length > 0) {
      return { decoder: undefined, by: { by: 'engine', why: 'faults are injected into its stages' } };
    }
    const { decoder: wanted, signal } = handlers;
    if (gpu.fast !== undefined && wanted !== 'engine') return gpu.fast;
    const { model, hparams } = this;
    const context = await this.gpuContext();
    const mayLoad = handlers.mayLoad === true || isLocal(model);
    const { engine } = gpu;
    const store = this.#host.tuning;
    const asked = `${wanted ?? 'auto'} ${String(mayLoad)}`;
    const refused = gpu.refused.get(asked);
    if (refused !== undefined && engine.resident() === undefined) return refused;
    const fast = await openFastDecode({ context, model, hparams, engine, wanted, mayLoad, store, signal });
    if (fast.decoder === undefined) gpu.refused.set(asked, fast);
    else gpu.fast = fast;
    return fast;
  }

  /** One process at a time, kept from run to run while its options are the same. @throws TracerError `usage` where none can be started */
  async #liveEngine(id: LiveEngineId, { live = {} }: RunSpec): Promise<LiveEngine> {
    const key = JSON.stringify([id, live]);
    if (this.#live?.key === key) return this.#live.engine;
    await this.#live?.engine.dispose();
    this.#live = undefined;
    const { openLive } = this.#host;
    if (openLive === undefined) {
      throw fail(
        'usage',
        `${id} is a program of this machine, which a page cannot run.`,
        'Run moescope trace --candidate llama.cpp under Node, and open what it saved here.',
        { engine: id },
      );
    }
    const engine = openLive(id, this.model, this.hparams, live);
    this.#live = { key, engine };
    return engine;
  }

  /** @param use one that runs, or the one that tells the arithmetic of a foreign candidate, which may run beside the first */
  #cpuEngine(id: CpuEngineId, use: 'side' | 'quantised' = 'side'): IsolatingEngine {
    const { model, hparams } = this;
    const key = `${id} ${use}`;
    const hooks = this.#hooks;
    const engine =
      this.#cpu.get(key) ??
      (id === 'cpu' ? this.#host.createReference?.(model, hparams, hooks) : undefined) ??
      CPU_ENGINES[id]({ model, hparams, pool: this.#cpuPool(), hooks });
    this.#cpu.set(key, engine);
    return engine;
  }

  /** Threads are started when there is something to judge. */
  #judging(): JudgePool | undefined {
    return (this.#judges ??= this.#host.createJudges?.(this.model, this.hparams));
  }

  #cpuPool(): CpuPool {
    return (this.#pool ??= this.#host.createPool(this.model));
  }

  /** The reference with its products on a device of its own: nothing that the engine under test does there can touch it. */
  async #exactGpuEngine(): Promise<IsolatingEngine> {
    if (this.#exactGpu === undefined) {
      const { model, hparams } = this;
      const context = await this.#host.openGpu();
      const pool = createExactGpuPool({ context, model, cpu: this.#cpuPool(), budget: defaultBudget(context) });
      this.#exactGpu = { engine: createExactGpuEngine({ model, hparams, pool, hooks: this.#hooks }), pool, context };
    }
    return this.#exactGpu.engine;
  }

  #memory() {
    const stats = this.#gpu?.engine.stats();
    const asked = (stats?.hits ?? 0) + (stats?.misses ?? 0);
    return {
      ...(stats === undefined || asked === 0 ? {} : { cacheHitRate: stats.hits / asked }),
      gpuWeightBytes: stats?.weightBytes ?? 0,
      gpuPeakBytes: stats?.peakBytes ?? 0,
      expertsRead: stats?.expertsRead ?? 0,
    };
  }

  async #closeEngines(): Promise<void> {
    await closeGpu(this.#gpu);
    (await this.#context?.catch(() => undefined))?.dispose();
    await this.#live?.engine.dispose();
    for (const engine of this.#cpu.values()) await engine.dispose();
    this.#cpu.clear();
    await this.#exactGpu?.engine.dispose();
    await this.#exactGpu?.pool.dispose();
    this.#exactGpu?.context.dispose();
    this.#exactGpu = undefined;
    await this.#pool?.dispose();
    await this.#judges?.dispose();
    this.#judges = undefined;
    this.#gpu = undefined;
    this.#context = undefined;
    this.#pool = undefined;
    this.#live = undefined;
    this.#past = undefined;
  }
}

/** Engines whose activations the reference keeps as they are: others round them, and stages of a run of theirs have no exact value. */
const EXACT: readonly RunEngineId[] = ['cpu', 'exact-gpu'];

/** Whether the candidate is none of this program's f32 or exact engines, so that its arithmetic has to be found out. */
function isForeign({ engines, mode }: RunSpec): boolean {
  const [candidate] = engines;
  return modesOf(mode).has('local') && candidate !== undefined && (isLive(candidate) || candidate === 'cpu-ggml');
}

/**
 * What can be measured of these engines: a live llama.cpp takes no values from outside, and local errors need a reference that is exact.
 * @throws TracerError `usage` where nothing is left of what was asked for
 */
function withPossibleModes(spec: RunSpec): RunSpec {
  const [candidate, reference] = spec.engines;
  if (candidate === undefined || reference === undefined) {
    if (decodesOf(spec) > 0) throw notDecoded(spec);
    return spec;
  }
  const asked = modesOf(spec.mode);
  const modes = new Set(asked);
  if (!EXACT.includes(reference) && modes.delete('local')) modes.add('isolated');
  if (isLive(candidate)) modes.delete('isolated');
  const mode = runModeOf(modes);
  if (decodesOf(spec) > 0 && (!modes.has('local') || isForeign(spec))) throw notDecoded(spec);
  if (mode !== undefined) return { ...spec, mode };
  throw fail(
    'usage',
    asked.has('isolated')
      ? `${candidate} cannot be fed the reference's values, so that its stages cannot be isolated.`
      : `Against ${reference} there is no local error: it is not exact.`,
    'Use --mode free, or local with the reference exact.',
    { candidate, reference },
  );
}

function notDecoded({ engines, mode }: RunSpec): TracerError {
  return fail(
    'usage',
    'Decoded tokens are judged by their own inputs, on the GPU engine against an exact reference.',
    'Use --candidate gpu --reference exact with local among the words of --mode, or leave --decode out.',
    { engines: engines.join(), mode },
  );
}

/** What is left of a GPU engine, whatever state it is in. */
async function closeGpu(gpu: OpenGpu | undefined): Promise<void> {
  gpu?.fast?.decoder?.dispose();
  await gpu?.engine.dispose().catch(() => undefined);
}

/** Runs with the same key meet the same engines in the same state. */
function enginesKey({ engines, inject = [], gpuBudget, live }: RunSpec): string {
  return JSON.stringify([engines, inject, gpuBudget, live]);
}

function commonLength(x: readonly number[], y: readonly number[]): number {
  const differs = x.findIndex((token, i) => token !== y[i]);
  return differs < 0 ? Math.min(x.length, y.length) : differs;
}

/** @throws TracerError `usage` unless there are one or two different engines, the reference last. */
function checkEngines(engines: readonly RunEngineId[]): readonly [RunEngineId, RunEngineId?] {
  const [first, second] = engines;
  const inOrder = inEngineOrder(engines);
  if (first === undefined || engines.length > MOST_ENGINES || engines.join() !== inOrder.join()) {
    throw fail(
      'usage',
      `A run has one engine or two; ${engines.length === 0 ? 'none was' : `${engines.join(', ')} were`} asked for.`,
      `Choose of ${ENGINE_IDS.join(', ')}, in this order; the later is the reference.`,
      { engines: engines.join(',') },
    );
  }
  return second === undefined ? [first] : [first, second];
}

/** Loaded where it is needed: threads of their own have the library, and this one does without. */
const renderHere: RenderChat = async (job) => (await import('../tokenizer/chat')).renderJob(job);
