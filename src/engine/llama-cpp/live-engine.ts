import { throwIfAborted } from '../../base/abort';
import { fail } from '../../base/errors';
import { checkCapture, checkTokens } from '../../model/check-step';
import type { StepOptions, StepResult, Capture } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import type { LiveEngineId, LiveBackend, LiveEngine, LiveFacts, LiveOptions } from '../../model/live';
import { graphOf, stagesOfStep } from '../../model/graph-of';
import { wrongParameters, wrongParameterText } from '../../model/graph-parameters';
import { isBeforeLayers, type StageId } from '../../model/stages';
import { selectPositions } from '../../trace/select-positions';
import type { LiveProcess } from './child-process';
import type { Installed } from './install-folder';
import { valuesOf, type DecodeEnd, type Library } from './frames';
import { graphNames } from './stage-of-node';
import { layOutCaptures, type RawCapture } from './capture-of-frame';
import { LAYER_OUTPUT } from '../../model/stage-roles';

export interface LiveEngineOptions {
  readonly id: LiveEngineId;
  readonly backend: LiveBackend;
  /** Path of the model on this machine; the first part of a split one. */
  readonly model: string;
  readonly hparams: HParams;
  readonly installed: Installed;
  readonly options: LiveOptions;
  /** CPU threads where the options name none. */
  readonly cores: number;
  readonly start: () => LiveProcess;
}

/** Positions behind a prompt that a context has room for. */
const ROOM_BEHIND = 256;
/** The stages that a layer's last capture stands for: when it has come the layer is whole. */
const LAST_OF_LAYER = LAYER_OUTPUT;

/**
 * A real llama.cpp as an engine. One decode computes all layers: raw are taken off its pipe layer by layer as the session asks for them, and
 * the process waits meanwhile, so that no more than a layer is in memory (all of them where a prompt takes several micro-batches). Stages
 * that this llama.cpp fuses away are `unmeasured`.
 * @throws TracerError from its methods: `engine-missing`, `engine-layout`, `engine-failed`, `run-cancelled`, `prompt-token`, `plan-range`
 */
export function createLiveEngine(options: LiveEngineOptions): LiveEngine {
  return new Engine(options);
}

interface Decode {
  readonly tokens: readonly number[];
  readonly nPast: number;
  /** What has come and was not yet asked for, by layer. */
  readonly waiting: Map<number | undefined, RawCapture[]>;
  readonly whole: Set<number>;
  end: DecodeEnd | undefined;
}

class Engine implements LiveEngine {
  readonly id: LiveEngineId;
  readonly #in: LiveEngineOptions;
  #process: LiveProcess | undefined;
  #library: Library | undefined;
  #decode: Decode | undefined;
  #facts: LiveFacts | undefined;

  constructor(options: LiveEngineOptions) {
    this.#in = options;
    this.id = options.id;
  }

  facts(): LiveFacts | undefined {
    return this.#facts;
  }

  async begin(tokens: Uint32Array<ArrayBuffer>, nPast: number, options: StepOptions): Promise<StepResult> {
    const started = performance.now();
    const { signal } = options;
    throwIfAborted(signal);
    checkTokens(tokens, this.#in.hparams.nVocab);
    checkCapture(options.capture, nPast, tokens.length);
    if (options.forcedExperts !== undefined) throw notForced();
    const process = await this.#running(signal);
    this.#decode = { tokens: [...tokens], nPast, waiting: new Map(), whole: new Set(), end: undefined };
    process.send({ command: 'decode', tokens: [...tokens], nPast, room: nPast + tokens.length + ROOM_BEHIND });
    const { nodes, output } = graphOf(this.#in.hparams).graph.embed;
    const isThere = ({ waiting }: Decode): boolean =>
      waiting.get(undefined)?.some(({ frame }) => frame.stage === output.id) === true;
    await this.#until((decode) => isThere(decode) && !this.#inParts(decode), signal);
    const stages = nodes.map(({ out }) => out.id);
    return this.#result(undefined, stages, options, started);
  }

  async layer(layer: number, options: StepOptions): Promise<StepResult> {
    const started = performance.now();
    if (options.forcedExperts !== undefined) throw notForced();
    await this.#until((decode) => decode.whole.has(layer) && !this.#inParts(decode), options.signal);
    return this.#result(layer, stagesOfStep(this.#in.hparams, layer), options, started);
  }

  async end(options: StepOptions): Promise<StepResult> {
    const started = performance.now();
    const decode = await this.#until(() => false, options.signal);
    const result = this.#result(
      undefined,
      stagesOfStep(this.#in.hparams, undefined).filter((stage) => !isBeforeLayers(stage)),
      options,
      started,
    );
    this.#facts = this.#factsOf(decode);
    this.#decode = undefined;
    return result;
  }

  dispose(): Promise<void> {
    this.#process?.kill();
    this.#process = undefined;
    this.#decode = undefined;
    return Promise.resolve();
  }

  async #running(signal: AbortSignal | undefined): Promise<LiveProcess> {
    // A decode that nobody read to its end is not waited for.
    if (this.#decode !== undefined || this.#process?.isOver === true) await this.dispose();
    if (this.#process !== undefined) return this.#process;
    const { installed, model, backend, options, cores } = this.#in;
    const process = this.#in.start();
    this.#process = process;
    process.send({
      command: 'open',
      ffi: installed.ffi,
      library: installed.library,
      model: options.model ?? model,
      backend,
      flashAttention: options.flashAttention ?? 'auto',
      kv: options.kv ?? 'f16',
      threads: options.threads ?? cores,
      ubatch: options.ubatch ?? 0,
      names: graphNames(this.#in.hparams),
    });
    try {
      const { frame } = await process.next(signal);
      if (frame.type !== 'ready')
        throw fail(
          'internal',
          `A frame ${frame.type} before the library is ready.`,
          'This is a defect in MoEscope. Please report it.',
        );
      this.#library = frame.about;
      return process;
    } catch (error) {
      await this.dispose();
      throw error;
    }
  }

  /** Takes frames until `isEnough`, or to the end of the decode. @throws TracerError where the process fails; it is gone then */
  async #until(isEnough: (decode: Decode) => boolean, signal: AbortSignal | undefined): Promise<Decode> {
    const decode = this.#decode;
    const process = this.#process;
    if (decode === undefined || process === undefined)
      throw fail('internal', 'A step before begin.', 'This is a defect in MoEscope. Please report it.');
    try {
      while (decode.end === undefined && !isEnough(decode)) {
        const { frame, payload } = await process.next(signal);
        if (frame.type === 'done') decode.end = frame.end;
        if (frame.type !== 'capture') continue;
        const list = decode.waiting.get(frame.layer) ?? [];
        decode.waiting.set(frame.layer, list);
        // A product comes again once it has its bias.
        const before = list.findIndex((one) => one.frame.stage === frame.stage && one.frame.graph === frame.graph);
        list[before < 0 ? list.length : before] = { frame, values: valuesOf(frame.values, payload) };
        if (frame.stage === LAST_OF_LAYER && frame.layer !== undefined) decode.whole.add(frame.layer);
      }
      return decode;
    } catch (error) {
      await this.dispose();
      throw error;
    }
  }

  /** A prompt of several micro-batches: a layer is whole when the last of them has run. */
  #inParts({ tokens }: Decode): boolean {
    const ubatch = this.#in.options.ubatch ?? 0;
    return ubatch > 0 && ubatch < tokens.length;
  }

  #result(
    layer: number | undefined,
    stages: readonly StageId[],
    { capture }: StepOptions,
    started: number,
  ): StepResult {
    const decode = this.#decode;
    const raw = decode?.waiting.get(layer) ?? [];
    const sizes = { hparams: this.#in.hparams, nPast: decode?.nPast ?? 0, nTokens: decode?.tokens.length ?? 0 };
    const laidOut = layOutCaptures(raw, sizes);
    if (layer !== undefined) decode?.waiting.delete(layer);
    const captures = new Map<StageId, Capture>();
    const unmeasured = new Set<StageId>();
    for (const stage of stages) {
      const positions = capture.get(stage);
      if (positions === undefined) continue;
      const captured = laidOut.get(stage);
      if (captured === undefined) unmeasured.add(stage);
      else captures.set(stage, selectPositions(captured, positions));
    }
    return {
      captures,
      ms: performance.now() - started,
      bytesRead: 0,
      ...(unmeasured.size === 0 ? {} : { unmeasured }),
    };
  }

  #factsOf({ end, tokens }: Decode): LiveFacts | undefined {
    const library = this.#library;
    if (end === undefined || library === undefined) return undefined;
    const { options, cores, id: engine, hparams } = this.#in;
    return {
      engine,
      version: library.version ?? undefined,
      ggmlVersion: library.ggmlVersion ?? undefined,
      commit: library.commit ?? undefined,
      library: lastOfPath(library.path, 2),
      ...(options.model === undefined ? {} : { file: lastOfPath(options.model, 1) }),
      devices: library.devices,
      flashAttention: `${options.flashAttention ?? 'auto'}${end.fusedAttention ? ' (fused)' : ' (not fused)'}`,
      kv: options.kv ?? 'f16',
      threads: options.threads ?? cores,
      ubatch: options.ubatch ?? tokens.length,
      graphs: end.graphs,
      logitRowsChanged: end.logitRowsChanged,
      logitRows: end.logitRows,
      largestLogitChange: end.largestLogitChange,
      plainMs: end.plainMs,
      capturedMs: end.capturedMs,
      peakBytes: end.peakBytes,
      parameterNotes: wrongParameters(end.parameters, hparams).map(
        (wrong) => `llama.cpp's ${wrongParameterText(wrong)}`,
      ),
    };
  }
}

/** The last names of a path; where on the machine that is, is nobody else's business. */
function lastOfPath(path: string, names: number): string {
  return path.split(/[\\/]/).slice(-names).join('/');
}

function notForced(): Error {
  return fail('usage', "llama.cpp cannot be given another engine's experts.", 'Leave out --routing reference.', {});
}
