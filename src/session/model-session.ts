import { orCancelled } from '../base/abort';
import { attempt, fail, toErrorData, TracerError, type ErrorCode, type ErrorData } from '../base/errors';
import { capped } from '../base/foreign-text';
import { TOOL } from '../base/version';
import { createCpuEngine, type CpuEngineOptions } from '../cpu/engine/cpu-engine';
import { createGgmlCpuEngine } from '../cpu/ggml/ggml-engine';
import { createExactGpuEngine } from '../exact-gpu/exact-gpu-engine';
import { createExactGpuPool } from '../exact-gpu/exact-gpu-pool';
import type { CpuPool } from '../cpu/pool/cpu-pool';
import type { ModelCard, Report } from '../divergence/report';
import { modesOf, runModeOf } from '../divergence/run-mode';
import type { ModelFile } from '../gguf/model-file';
import type { GpuContext } from '../gpu/device';
import { defaultBudget } from '../gpu/weights/budget';
import { createGpuEngine, type GpuEngine } from '../gpu/engine/gpu-engine';
import { createFaultyEngine } from '../gpu/faults/faulty-engine';
import { inArmOrder, MOST_ARMS, RUN_ARM_IDS, type BuiltInArm, type RunArm } from '../model/arms';
import type { EngineHooks, IsolatingEngine, Tap } from '../model/engine';
import { isLive, type LiveArm, type LiveEngine } from '../model/live';
import type { Fault } from '../model/faults';
import type { HParams } from '../model/hparams';
import { checkTokens } from '../model/check-step';
import { checkFault, parseFault } from '../model/parse-fault';
import { readHParams } from '../model/read-hparams';
import { checkWeights, weightInFile } from '../model/weights';
import type { RenderChat } from '../tokenizer/template-thread/renderer';
import { createTokenizer, type Tokenizer } from '../tokenizer/tokenizer';
import type { Progress, RunSpec, SessionEvent } from './events';
import type { DecoderChoice } from './decoded-by';
import { isLocal, openFastDecode, type FastDecode, type NoFastDecode } from './fast-decode';
import { generate, type GeneratedToken, type GenerateEnd } from './generate';
import type { Host } from './host';
import { modelCard } from './model-card';
import { ProgressMeter } from './progress';
import { promptTokens } from './prompt-tokens';
import { runAsOftenAsAsked } from './repeat-run';
import type { SessionArms, SessionInput } from './run-session';

/** Failures that leave the arms as good as before. After any other they are opened afresh. */
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

type CpuArm = Exclude<BuiltInArm, 'gpu' | 'exact-gpu'>;

const CPU_ENGINES: Readonly<Record<CpuArm, (options: CpuEngineOptions) => IsolatingEngine>> = {
  cpu: createCpuEngine,
  'cpu-ggml': createGgmlCpuEngine,
};

export interface RunHandlers {
  readonly onEvent: (event: SessionEvent) => void;
  readonly onTap?: (folder: string, tap: Tap) => void | Promise<void>;
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
  readonly budget: number | undefined;
  readonly clean: boolean;
  fast?: FastDecode | undefined;
  /** Why there was none, by what was asked for: nothing is loaded twice in vain. */
  readonly refused: Map<string, NoFastDecode>;
}

/**
 * One opened model with its arms, kept warm between runs: a second prompt finds its weights on the GPU. Runs one prompt at a time.
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
  readonly #cpu = new Map<string, IsolatingEngine>();
  #exactGpu: { readonly engine: IsolatingEngine; readonly pool: CpuPool; readonly context: GpuContext } | undefined;
  #live: { readonly key: string; readonly engine: LiveEngine } | undefined;
  #context: Promise<GpuContext> | undefined;
  #gpu: OpenGpu | undefined;
  #meter: ProgressMeter | undefined;
  /** What both arms still hold keys and values of: the run or continuation before. */
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
   * Runs a prompt and compares the arms.
   * @throws TracerError `run-busy`, `fault-spec`, or what `runSession` throws; after any failure but a cancel the arms are opened afresh next time.
   */
  async run(asked: RunSpec, handlers: RunHandlers): Promise<Report> {
    const spec = withPossibleModes(asked);
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
      const { faults, ...arms } = await orCancelled(this.#openArms(spec), handlers.signal).catch((error: unknown) => {
        const data = toErrorData(error);
        handlers.onEvent(
          data.code === 'run-cancelled' ? { type: 'cancelled', layersDone: 0 } : { type: 'failed', error: data },
        );
        throw error;
      });
      const input: SessionInput = {
        spec,
        model: this.model,
        hparams: this.hparams,
        arms,
        faults,
        meter,
        adapter: spec.arms.includes('gpu') ? (await this.gpuContext()).card : undefined,
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
        onTap: handlers.onTap,
        signal: handlers.signal,
        reopen: this.#reopener(spec, faults, handlers),
      };
      const report = await runAsOftenAsAsked(input, () => this.#openArms(spec));
      // An arm that only ran stages alone, or with another's experts, or with faults (it is made anew each time) has no past to go on from.
      const kept = spec.routing !== 'reference' && (spec.mode !== 'isolated' || spec.arms.length === 1);
      // A run that was taken up on another device has the keys and values of its last layers only.
      if (kept && faults.length === 0 && !this.#restored) this.#past = { run: armsKey(spec), tokens: spec.tokens };
      return report;
    } catch (error) {
      if (!HARMLESS.has(toErrorData(error).code)) await this.#closeArms();
      throw error;
    } finally {
      this.#meter = undefined;
      this.#running = false;
    }
  }

  /**
   * Continues a run's prompt greedily on its arms; where these have just run it, with their keys and values kept. Tokens behind the prompt
   * are the fast decoder's where it can serve: each says which it was.
   * @param tokens the run's prompt and what was generated before
   * @throws TracerError `run-busy`, `run-cancelled`, or what an arm threw
   */
  async generate(spec: RunSpec, tokens: readonly number[], handlers: GenerateHandlers): Promise<GenerateEnd> {
    if (this.#running) throw fail('run-busy', 'A run is under way.', 'Wait for it, or cancel it.');
    checkTokens(tokens, this.hparams.nVocab);
    this.#running = true;
    const past = this.#past?.run === armsKey(spec) ? this.#past.tokens : [];
    this.#past = undefined;
    const said: number[] = [];
    const meter = new ProgressMeter((progress) => handlers.onProgress?.(progress));
    this.#meter = meter;
    try {
      const arms = await orCancelled(this.#openArms(spec), handlers.signal);
      const fast = spec.arms.includes('gpu') ? await this.#fastDecode(arms.faults, handlers) : undefined;
      const end = await generate({
        arms,
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
      if (arms.faults.length === 0) this.#past = { run: armsKey(spec), tokens: [...tokens, ...said.slice(0, -1)] };
      return end;
    } catch (error) {
      if (!HARMLESS.has(toErrorData(error).code)) await this.#closeArms();
      throw error;
    } finally {
      this.#meter = undefined;
      this.#running = false;
    }
  }

  /** Ends workers, frees the GPU and closes the file. */
  async dispose(): Promise<void> {
    await this.#closeArms();
    await this.model.close();
  }

  async #openArms(spec: RunSpec): Promise<{
    readonly a?: SessionArms['a'];
    readonly b?: SessionArms['b'];
    readonly quantised?: SessionArms['quantised'];
    readonly faults: readonly Fault[];
  }> {
    const faults = this.#faults(spec);
    const [first, second] = checkArms(spec.arms);
    const open = async (arm: RunArm): Promise<IsolatingEngine | LiveEngine> => {
      if (arm === 'gpu') return this.#gpuEngine(spec.gpuBudget, faults);
      if (arm === 'exact-gpu') return this.#exactGpuEngine();
      return isLive(arm) ? this.#liveEngine(arm, spec) : this.#cpuEngine(arm);
    };
    // An arm that runs alone stands on the side that it is mostly on.
    if (second === undefined)
      return first === 'gpu' || isLive(first) ? { a: await open(first), faults } : { b: await open(first), faults };
    const [a, b] = [await open(first), await open(second)];
    return { a, b, faults, ...(isForeign(spec) ? { quantised: this.#cpuEngine('cpu-ggml', 'quantised') } : {}) };
  }

  /** @throws TracerError `fault-spec` */
  #faults({ inject = [], tokens, arms }: RunSpec): readonly Fault[] {
    const faults = inject.map(parseFault);
    const { hparams, model } = this;
    const typeOf = (tensor: string): string | undefined => model.tensors.get(tensor)?.type;
    for (const fault of faults) checkFault(fault, { hparams, nTokens: tokens.length, typeOf });
    if (faults.length > 0 && !arms.includes('gpu')) {
      throw fail(
        'fault-spec',
        'Faults strike the GPU engine, which this run does not have.',
        'Run the engine gpu too.',
        {
          arms: arms.join(','),
        },
      );
    }
    return faults;
  }

  /** Another GPU engine in place of one whose device is lost; the reference stays as it is. */
  #reopener(spec: RunSpec, faults: readonly Fault[], handlers: RunHandlers): SessionInput['reopen'] {
    const { onLost, signal } = handlers;
    if (onLost === undefined || spec.arms[0] !== 'gpu') return undefined;
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
  async #fastDecode(faults: readonly Fault[], handlers: GenerateHandlers): Promise<FastDecode | NoFastDecode> {
    const gpu = this.#gpu;
    if (gpu === undefined || faults.length > 0) {
      return { decoder: undefined, by: { by: 'engine', why: 'faults are injected into its stages' } };
    }
    const { decoder: wanted, signal } = handlers;
    if (gpu.fast !== undefined && wanted !== 'engine') return gpu.fast;
    const { model, hparams } = this;
    const context = await this.gpuContext();
    const mayLoad = handlers.mayLoad === true || isLocal(model);
    const { engine, budget } = gpu;
    const store = this.#host.tuning;
    const asked = `${wanted ?? 'auto'} ${String(mayLoad)}`;
    const refused = gpu.refused.get(asked);
    if (refused !== undefined && engine.resident() === undefined) return refused;
    const fast = await openFastDecode({ context, model, hparams, engine, budget, wanted, mayLoad, store, signal });
    if (fast.decoder === undefined) gpu.refused.set(asked, fast);
    else gpu.fast = fast;
    return fast;
  }

  /** One process at a time, kept from run to run while its options are the same. @throws TracerError `usage` where none can be started */
  async #liveEngine(arm: LiveArm, { live = {} }: RunSpec): Promise<LiveEngine> {
    const key = JSON.stringify([arm, live]);
    if (this.#live?.key === key) return this.#live.engine;
    await this.#live?.engine.dispose();
    this.#live = undefined;
    const { openLive } = this.#host;
    if (openLive === undefined) {
      throw fail(
        'usage',
        `${arm} is a program of this machine, which a page cannot run.`,
        'Run moescope trace --candidate llama.cpp under Node, and open what it saved here.',
        { arm },
      );
    }
    const engine = openLive(arm, this.model, this.hparams, live);
    this.#live = { key, engine };
    return engine;
  }

  /** @param use one that runs, or the one that tells a stranger's arithmetic, which may run beside the first */
  #cpuEngine(arm: CpuArm, use: 'arm' | 'quantised' = 'arm'): IsolatingEngine {
    const { model, hparams } = this;
    const key = `${arm} ${use}`;
    const engine =
      this.#cpu.get(key) ?? CPU_ENGINES[arm]({ model, hparams, pool: this.#cpuPool(), hooks: this.#hooks });
    this.#cpu.set(key, engine);
    return engine;
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

  async #closeArms(): Promise<void> {
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
    this.#gpu = undefined;
    this.#context = undefined;
    this.#pool = undefined;
    this.#live = undefined;
    this.#past = undefined;
  }
}

/** Engines whose activations the reference keeps as they are: others round them, and stages of a run of theirs have no exact value. */
const EXACT: readonly RunArm[] = ['cpu', 'exact-gpu'];

/** Whether the candidate is none of this program's f32 or exact engines, so that its arithmetic has to be found out. */
function isForeign({ arms, mode }: RunSpec): boolean {
  const [candidate] = arms;
  return modesOf(mode).has('local') && candidate !== undefined && (isLive(candidate) || candidate === 'cpu-ggml');
}

/**
 * What can be measured of these engines: a live llama.cpp takes no values from outside, and local errors need a reference that is exact.
 * @throws TracerError `usage` where nothing is left of what was asked for
 */
function withPossibleModes(spec: RunSpec): RunSpec {
  const [candidate, reference] = spec.arms;
  if (candidate === undefined || reference === undefined) {
    if ((spec.decode ?? 0) > 0) throw notDecoded(spec);
    return spec;
  }
  const asked = modesOf(spec.mode);
  const modes = new Set(asked);
  if (!EXACT.includes(reference) && modes.delete('local')) modes.add('isolated');
  if (isLive(candidate)) modes.delete('isolated');
  const mode = runModeOf(modes);
  if ((spec.decode ?? 0) > 0 && (!modes.has('local') || isForeign(spec))) throw notDecoded(spec);
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

function notDecoded({ arms, mode }: RunSpec): TracerError {
  return fail(
    'usage',
    'Decoded tokens are judged by their own inputs, on the GPU engine against an exact reference.',
    'Use --candidate gpu --reference exact with local among the words of --mode, or leave --decode out.',
    { arms: arms.join(), mode },
  );
}

/** What is left of a GPU arm, whatever state it is in. */
async function closeGpu(gpu: OpenGpu | undefined): Promise<void> {
  gpu?.fast?.decoder?.dispose();
  await gpu?.engine.dispose().catch(() => undefined);
}

/** Runs with the same key meet the same engines in the same state. */
function armsKey({ arms, inject = [], gpuBudget, live }: RunSpec): string {
  return JSON.stringify([arms, inject, gpuBudget, live]);
}

function commonLength(x: readonly number[], y: readonly number[]): number {
  const differs = x.findIndex((token, i) => token !== y[i]);
  return differs < 0 ? Math.min(x.length, y.length) : differs;
}

/** @throws TracerError `usage` unless there are one or two different arms, the reference last. */
function checkArms(arms: readonly RunArm[]): readonly [RunArm, RunArm?] {
  const [first, second] = arms;
  const inOrder = inArmOrder(arms);
  if (first === undefined || arms.length > MOST_ARMS || arms.join() !== inOrder.join()) {
    throw fail(
      'usage',
      `A run has one engine or two; ${arms.length === 0 ? 'none was' : `${arms.join(', ')} were`} asked for.`,
      `Choose of ${RUN_ARM_IDS.join(', ')}, in this order; the later is the reference.`,
      { arms: arms.join(',') },
    );
  }
  return second === undefined ? [first] : [first, second];
}

/** Loaded where it is needed: threads of their own have the library, and this one does without. */
const renderHere: RenderChat = async (job) => (await import('../tokenizer/chat')).renderJob(job);
