import { fail, toErrorData, type ErrorData } from '../base/errors';
import { openRemote } from '../cache/open-remote';
import type { AdapterCard, Report } from '../divergence/report';
import type { SlicePlace } from '../divergence/capture-slice';
import type { ByteSource, SourceDescriptor } from '../gguf/byte-source';
import { openModel } from '../gguf/open-model';
import { openSource } from '../gguf/open-source';
import { scanModel } from '../gguf/scan/scan-model';
import type { ScanReport } from '../gguf/scan/scan-report';
import { defaultBudget } from '../gpu/weights/budget';
import { checkTokenIds } from '../model/check-step';
import { runBench } from '../session/bench';
import type { BenchChoice } from '../session/bench-choice';
import type { BenchReport } from '../session/bench-report';
import type { RunSpec, SessionEvent } from '../session/events';
import type { GeneratedToken, GenerateEnd } from '../session/generate';
import type { Host } from '../session/host';
import { inspectModel, type Inspection } from '../session/inspect-model';
import { ModelSession } from '../session/model-session';
import { CaptureInspector, type CaptureAnswer } from '../session/capture-inspector';
import { runCost } from '../session/preflight';
import { weightTable } from '../session/weight-table';
import { TraceStore, type LastRun } from './trace-store';
import type { CompareChoice, ReadResult, TensorFileFormat, TraceCard } from './trace-cards';
import type { OpenedModel, Preflight, TokenizedPrompt } from './opened-model';

/** Progress of reading a file is told at most this often, milliseconds. */
const TELL_MS = 100;

/**
 * What the page asks of the engine, as the worker offers it. {@link EngineClient} is derived from it: a method here is a call of the page.
 * Everything that crosses is plain, structured-cloneable data; callbacks cross as proxies. Holds at most one model.
 */
export class EngineService {
  readonly #host: Host;
  readonly #workers: number;
  readonly #captures: CaptureInspector;
  readonly #ready: Promise<void>;
  readonly #traceStore = new TraceStore(() => this.#lastRun());
  #goOn: (() => void) | undefined;
  /** Of the model that is open. */
  #report: Report | undefined;
  #session: ModelSession | undefined;
  /** Aborted to end all that is being tokenised. */
  #tokenizing = new AbortController();
  #run: { readonly abort: AbortController; readonly ended: Promise<unknown> } | undefined;

  /** `workers`: how many threads the reference will use, for the preflight. `captureBudget`: bytes of tensors kept for the inspector. */
  constructor(host: Host, workers: number, captureBudget?: number, ready: Promise<void> = Promise.resolve()) {
    this.#ready = ready;
    this.#host = host;
    this.#workers = workers;
    this.#captures = new CaptureInspector(captureBudget);
  }

  /** Resolves when the thread is as it should be. */
  hello(): Promise<void> {
    return this.#ready;
  }

  /**
   * Opens one model: a single file, or all parts of a split one in any order. Reads the header only. Once the new one is open, the model
   * opened before is closed; a rejected call leaves that one as it was.
   * @throws TracerError `gguf-*`, `source-*`
   */
  async open(descriptors: readonly SourceDescriptor[]): Promise<OpenedModel> {
    await this.cancel();
    const model = await openModel(await sourcesOf(descriptors));
    const session = await this.#newSession(model);
    const before = this.#session;
    this.#session = session;
    this.#captures.clear();
    this.#report = undefined;
    await before?.dispose();
    return { card: session.card, preflight: await this.#preflight(session), weights: weightTable(session.model) };
  }

  /**
   * All that a file's header says, of one that does not run too, and what stands in the way. It is not kept open, and what is open stays.
   * @throws TracerError `gguf-*`, `source-*` where there is no header to read
   */
  async inspect(descriptors: readonly SourceDescriptor[]): Promise<Inspection> {
    const problems: ErrorData[] = [];
    const model = await openModel(await sourcesOf(descriptors), undefined, (error) => {
      problems.push(toErrorData(error));
    });
    try {
      return inspectModel(model, problems);
    } finally {
      await model.close();
    }
  }

  /**
   * The opened model's own tokenizer. With `chat`, the text is one user turn of the file's chat template, ready for the answer.
   * Ends with {@link cancel}, and when another model is opened.
   * @throws TracerError `tokenizer-*`, `chat-template`, `prompt-*`, `run-cancelled`
   */
  async tokenize(text: string, options: { readonly chat: boolean }): Promise<TokenizedPrompt> {
    const session = this.#opened();
    const ids = await session.tokenize(text, options, this.#tokenizing.signal);
    return { ids, texts: ids.map((id) => session.tokenText(id)) };
  }

  /** The text of each token, for labels. @throws TracerError `prompt-token` (an id outside the vocabulary) */
  tokenTexts(ids: readonly number[]): readonly string[] {
    const session = this.#opened();
    checkTokenIds(ids, session.hparams.nVocab);
    return ids.map((id) => session.tokenText(id));
  }

  /**
   * Runs the opened model. Resolves after the last event (`done`, `cancelled` or `failed`) has been delivered; a failure is an event,
   * not a rejection. @throws TracerError `run-busy` when a run is under way
   */
  async run(spec: RunSpec, onEvent: (event: SessionEvent) => unknown): Promise<void> {
    // Over a thread boundary this is a promise of the event's arrival; events arrive in their order.
    let arrival: unknown;
    const deliver = (event: SessionEvent): void => {
      arrival = onEvent(event);
    };
    await this.#alone(async (session, signal) => {
      this.#report = undefined;
      // What went wrong has been told as an event.
      this.#report = await session
        .run(spec, {
          onEvent: deliver,
          signal,
          ...this.#captures.begin(spec),
          onLost: (error, layersDone) =>
            new Promise((goOn) => {
              this.#goOn = goOn;
              deliver({ type: 'lost', error, layersDone });
            }),
        })
        .catch(() => undefined);
    });
    await arrival;
  }

  /**
   * Reads files that hold traces (APRT tree or ZIP, NPZ, trace JSON, CSV, arrays by their ggml names; loose tensors of one drop belong
   * together), or a picture or report with a view in it. All or nothing.
   * @throws TracerError `trace-format`, `source-read`
   */
  readTraceFiles(files: readonly SourceDescriptor[]): Promise<ReadResult> {
    return this.#traceStore.read(files);
  }

  /** What can be compared: the last run's engines, and what was read, in that order. */
  traces(): readonly TraceCard[] {
    return this.#traceStore.cards();
  }

  /** Compares two of them as a live run compares its engines; `b` is the reference. @throws TracerError `trace-mismatch` */
  compareTraces(a: string, b: string, options: CompareChoice): Report {
    return this.#traceStore.compare(a, b, options);
  }

  /** The last run's tensors, as far as they were kept, as one file. @throws TracerError `usage` (nothing kept), `trace-format` (too large) */
  saveTensors(format: TensorFileFormat, withPrompt: boolean): Blob {
    return this.#traceStore.save(format, withPrompt);
  }

  /** Goes on with a run whose GPU was lost; no such run: nothing happens. */
  resume(): void {
    this.#goOn?.();
    this.#goOn = undefined;
  }

  /** A position of a tensor of the last run of both engines, boiled down; or that it was not kept, and why. Also while a run goes on. */
  captureSlice(place: SlicePlace): CaptureAnswer {
    return this.#captures.answer(place);
  }

  /**
   * The same after running the last prompt again up to that layer, for what was not kept. A run like any other: `cancel` ends it.
   * @throws TracerError `run-busy`, `run-cancelled`, `usage` (nothing ran)
   */
  fetchCaptures(place: SlicePlace): Promise<CaptureAnswer> {
    return this.#alone((session, signal) => this.#captures.fetch(place, session, signal));
  }

  /**
   * Continues a run greedily by up to `count` tokens on its own engines. `cancel` ends it.
   * @param tokens the run's prompt and what was generated before
   * @throws TracerError `run-busy`, `run-cancelled`, or what an engine threw
   */
  generate(
    spec: RunSpec,
    tokens: readonly number[],
    count: number,
    onToken: (token: GeneratedToken) => void,
  ): Promise<GenerateEnd> {
    return this.#alone((session, signal) => session.generate(spec, tokens, { count, onToken, signal }));
  }

  /**
   * Measures the opened model on a device of its own, as `moescope bench` does. `cancel` ends it.
   * @throws TracerError `run-busy`, `run-cancelled`, or what an engine threw
   */
  bench(choice: BenchChoice, onPhase: (phase: string) => void): Promise<BenchReport> {
    return this.#alone(({ model, hparams }, signal) =>
      runBench({ ...choice, model, hparams, host: this.#host, signal, onPhase }),
    );
  }

  /**
   * Reads every block of the opened model, as `moescope inspect --scan` does. `cancel` ends it.
   * @throws TracerError `run-busy`, `run-cancelled`, `usage` (no model)
   */
  scan(onProgress: (done: number, total: number) => void): Promise<ScanReport> {
    let told = -Infinity;
    return this.#alone(({ model }, signal) =>
      scanModel(
        model,
        (done, total) => {
          const now = performance.now();
          if (done < total && now - told < TELL_MS) return;
          told = now;
          onProgress(done, total);
        },
        signal,
      ),
    );
  }

  /** One thing at a time runs on the engines. */
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

  /** Stops the current run and resolves when it has ended, with `cancelled`. Does nothing when nothing runs. */
  async cancel(): Promise<void> {
    this.#tokenizing.abort();
    this.#tokenizing = new AbortController();
    this.#run?.abort.abort();
    await this.#run?.ended;
  }

  /** The adapter that a run would use, or why there is none: which check failed (`detail.check`) and what to do. Never rejects. */
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
    this.#captures.clear();
    await this.#session?.dispose();
    this.#session = undefined;
  }

  #lastRun(): LastRun | undefined {
    if (this.#report === undefined || this.#session === undefined) return undefined;
    const tensors = [...this.#session.model.tensors];
    const weightTypes = Object.fromEntries(tensors.map(([name, { type }]) => [name, type]));
    return { report: this.#report, weightTypes, engines: this.#captures.kept().engines };
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
      cpu: {
        wantBytes: cost.cpuNeedBytes,
        needBytes: cost.cpuNeedBytes,
        ...(this.#host.memoryBytes === undefined ? {} : { allowedBytes: this.#host.memoryBytes }),
      },
      ...(largest.allowedBytes === undefined
        ? {}
        : { largestBinding: { tensor: largest.tensor, bytes: largest.bytes, allowedBytes: largest.allowedBytes } }),
      chatTemplate: typeof session.model.metadata.get('tokenizer.chat_template') === 'string',
      ...(session.tokenizerError === undefined ? {} : { tokenizerError: session.tokenizerError }),
    };
  }
}

/** Opens all of them, or none. */
async function sourcesOf(descriptors: readonly SourceDescriptor[]): Promise<readonly ByteSource[]> {
  const sources: ByteSource[] = [];
  try {
    for (const descriptor of descriptors) {
      sources.push(descriptor.kind === 'http' ? await openRemote(descriptor, true) : await openSource(descriptor));
    }
    return sources;
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
}
