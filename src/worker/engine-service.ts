import { fail, toErrorData, type ErrorData } from '../base/errors';
import { openRemote } from '../cache/open-remote';
import type { AdapterCard, Report } from '../divergence/report';
import type { SlicePlace } from '../divergence/tap-slice';
import type { SourceDescriptor } from '../gguf/byte-source';
import { openModel } from '../gguf/open-model';
import { openSource } from '../gguf/open-source';
import { defaultBudget } from '../gpu/weights/budget';
import { checkTokenIds } from '../model/check-step';
import { runBench } from '../session/bench';
import type { BenchChoice } from '../session/bench-choice';
import type { BenchReport } from '../session/bench-report';
import type { RunSpec, SessionEvent } from '../session/events';
import type { GeneratedToken, GenerateEnd } from '../session/generate';
import type { Host } from '../session/host';
import { ModelSession } from '../session/model-session';
import { TapInspector, type TapAnswer } from '../session/tap-inspector';
import { runCost } from '../session/preflight';
import { weightTable } from '../session/weight-table';
import { TraceShelf, type LastRun } from './trace-shelf';
import type { CompareChoice, ReadResult, TensorFileFormat, TraceCard } from './trace-client-types';
import type { OpenedModel, Preflight, TokenizedPrompt } from './client-types';

/** The engine as the worker offers it: `EngineClient` without the thread between. Holds at most one model. */
export class EngineService {
  readonly #host: Host;
  readonly #workers: number;
  readonly #taps: TapInspector;
  readonly #ready: Promise<void>;
  readonly #shelf = new TraceShelf(() => this.#lastRun());
  #goOn: (() => void) | undefined;
  /** Of the model that is open. */
  #report: Report | undefined;
  #session: ModelSession | undefined;
  #run: { readonly abort: AbortController; readonly ended: Promise<unknown> } | undefined;

  /** `workers`: how many threads the reference will use, for the preflight. `tapBudget`: bytes of tensors kept for the inspector. */
  constructor(host: Host, workers: number, tapBudget?: number, ready: Promise<void> = Promise.resolve()) {
    this.#ready = ready;
    this.#host = host;
    this.#workers = workers;
    this.#taps = new TapInspector(tapBudget);
  }

  /** Resolves when the thread is as it should be. */
  hello(): Promise<void> {
    return this.#ready;
  }

  async open(descriptors: readonly SourceDescriptor[]): Promise<OpenedModel> {
    await this.cancel();
    const sources = [];
    try {
      for (const descriptor of descriptors) {
        sources.push(descriptor.kind === 'http' ? await openRemote(descriptor, true) : await openSource(descriptor));
      }
    } catch (error) {
      for (const source of sources) await source.close();
      throw error;
    }
    const model = await openModel(sources);
    const session = await this.#newSession(model);
    const before = this.#session;
    this.#session = session;
    this.#taps.clear();
    this.#report = undefined;
    await before?.dispose();
    return { card: session.card, preflight: await this.#preflight(session), weights: weightTable(session.model) };
  }

  tokenize(text: string, options: { readonly chat: boolean }): TokenizedPrompt {
    const session = this.#opened();
    const ids = session.tokenize(text, options);
    return { ids, texts: ids.map((id) => session.tokenText(id)) };
  }

  tokenTexts(ids: readonly number[]): readonly string[] {
    const session = this.#opened();
    checkTokenIds(ids, session.hparams.nVocab);
    return ids.map((id) => session.tokenText(id));
  }

  async run(spec: RunSpec, onEvent: (event: SessionEvent) => void): Promise<void> {
    await this.#alone(async (session, signal) => {
      this.#report = undefined;
      // What went wrong has been told as an event.
      this.#report = await session
        .run(spec, {
          onEvent,
          signal,
          onTap: this.#taps.begin(spec),
          onLost: (error, layersDone) =>
            new Promise((goOn) => {
              this.#goOn = goOn;
              onEvent({ type: 'lost', error, layersDone });
            }),
        })
        .catch(() => undefined);
    });
  }

  readTraceFiles(files: readonly SourceDescriptor[]): Promise<ReadResult> {
    return this.#shelf.read(files);
  }

  traces(): readonly TraceCard[] {
    return this.#shelf.cards();
  }

  compareTraces(a: string, b: string, options: CompareChoice): Report {
    return this.#shelf.compare(a, b, options);
  }

  saveTensors(format: TensorFileFormat, withPrompt: boolean): Blob {
    return this.#shelf.save(format, withPrompt);
  }

  /** Goes on with a run whose GPU was lost; no such run: nothing happens. */
  resume(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }

  tapSlice(place: SlicePlace): TapAnswer {
    return this.#taps.answer(place);
  }

  fetchTaps(place: SlicePlace): Promise<TapAnswer> {
    return this.#alone((session, signal) => this.#taps.fetch(place, session, signal));
  }

  generate(
    spec: RunSpec,
    tokens: readonly number[],
    count: number,
    onToken: (token: GeneratedToken) => void,
  ): Promise<GenerateEnd> {
    return this.#alone((session, signal) => session.generate(spec, tokens, { count, onToken, signal }));
  }

  bench(choice: BenchChoice, onPhase: (phase: string) => void): Promise<BenchReport> {
    return this.#alone(({ model, hparams }, signal) =>
      runBench({ ...choice, model, hparams, host: this.#host, signal, onPhase }),
    );
  }

  /** One thing at a time runs on the arms. */
  async #alone<T>(work: (session: ModelSession, signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#run !== undefined) throw fail('run-busy', 'A run is under way.', 'Wait for it, or cancel it.');
    const session = this.#opened();
    const abort = new AbortController();
    const result = work(session, abort.signal);
    this.#run = { abort, ended: result.catch(() => undefined) };
    try {
      return await result;
    } finally {
      this.#run = undefined;
    }
  }

  /** Resolves when the run has come to rest. */
  async cancel(): Promise<void> {
    this.#run?.abort.abort();
    await this.#run?.ended;
  }

  async adapter(): Promise<AdapterCard | ErrorData> {
    try {
      if (this.#session !== undefined) return (await this.#session.gpuContext()).card;
      const context = await this.#host.openGpu();
      context.dispose();
      return context.card;
    } catch (error) {
      return toErrorData(error);
    }
  }

  /** Ends what runs and frees everything. */
  async dispose(): Promise<void> {
    await this.cancel();
    this.#taps.clear();
    await this.#session?.dispose();
    this.#session = undefined;
  }

  #lastRun(): LastRun | undefined {
    if (this.#report === undefined || this.#session === undefined) return undefined;
    const tensors = [...this.#session.model.tensors];
    const weightTypes = Object.fromEntries(tensors.map(([name, { type }]) => [name, type]));
    return { report: this.#report, weightTypes, arms: this.#taps.kept().arms };
  }

  async #newSession(model: ConstructorParameters<typeof ModelSession>[0]): Promise<ModelSession> {
    try {
      return new ModelSession(model, this.#host);
    } catch (error) {
      await model.close();
      throw error;
    }
  }

  #opened(): ModelSession {
    if (this.#session === undefined) throw fail('usage', 'No model is open.', 'Drop a GGUF file, or open the sample.');
    return this.#session;
  }

  async #preflight(session: ModelSession): Promise<Preflight> {
    const context = await session.gpuContext().catch(() => undefined);
    const card = context?.card;
    const cost = runCost(session.model, session.hparams, card, this.#workers);
    const { largest } = cost;
    return {
      headerBytes: session.model.headerBytes,
      readBytes: cost.readBytes,
      ...(context === undefined
        ? {}
        : {
            gpu: { wantBytes: cost.gpuWantBytes, needBytes: cost.gpuNeedBytes, allowedBytes: defaultBudget(context) },
          }),
      cpu: { wantBytes: cost.cpuNeedBytes, needBytes: cost.cpuNeedBytes },
      ...(largest.allowedBytes === undefined
        ? {}
        : { largestBinding: { tensor: largest.tensor, bytes: largest.bytes, allowedBytes: largest.allowedBytes } }),
      chatTemplate: typeof session.model.metadata.get('tokenizer.chat_template') === 'string',
      ...(session.tokenizerError === undefined ? {} : { tokenizerError: session.tokenizerError }),
    };
  }
}
