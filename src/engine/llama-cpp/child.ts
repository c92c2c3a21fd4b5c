import { fail } from '../../base/errors';
import { hashWords } from '../../base/hash';
import type { LiveBackend } from '../../model/live';
import { LIVE_BACKENDS } from '../../model/live';
import { loadFfi } from './ffi';
import type { ChildCommand, DecodeEnd, Frame } from './frames';
import { GraphCapture } from './graph-capture';
import { GraphReader } from './graph-reader';
import { loadLibrary, type LlamaLibrary } from './library';
import { NativeModel, type NativeContext } from './native-model';
import { probeLayouts, type ParameterLayout } from './probe';
import type { CapturedValues } from './strided-values';

type Open = Extract<ChildCommand, { readonly command: 'open' }>;
type Decode = Extract<ChildCommand, { readonly command: 'decode' }>;

/** The same run twice: as anybody would run it, and with the callback. */
interface Contexts {
  readonly plain: NativeContext;
  readonly captured: NativeContext;
  /** Positions that they hold. */
  readonly room: number;
  /** Tokens of one decode that they take. */
  readonly batch: number;
}

/** Sends a frame and its payload, and waits until both are out. */
export type Send = (frame: Frame, payload?: CapturedValues) => void;

/**
 * llama.cpp in this process: a failed assertion in it ends the process, so that it is a child's. Every decode runs twice, once as anybody
 * would run it and once with the callback, each in a context of its own: equal logits prove that what was captured is what is computed.
 */
export class LlamaChild {
  readonly #send: Send;
  readonly #options: Open;
  readonly #library: LlamaLibrary;
  readonly #reader: GraphReader;
  readonly #parameters: ParameterLayout;
  readonly #model: NativeModel;
  readonly #callback: unknown;
  #capture: GraphCapture | undefined;
  #contexts: Contexts | undefined;
  #nPast = 0;

  /** @throws TracerError `engine-missing`, `engine-layout`, `engine-failed` */
  constructor(options: Open, send: Send) {
    this.#options = options;
    this.#send = send;
    const ffi = loadFfi(options.ffi);
    const library = loadLibrary(ffi, options.library);
    this.#library = library;
    // Back ends are plug-ins beside the library: without them there is no device at all.
    if (library.has('ggml_backend_load_all_from_path')) library.call('ggml_backend_load_all_from_path', library.folder);
    library.call('llama_backend_init');
    const { tensor, parameters } = probeLayouts(library);
    this.#parameters = parameters;
    this.#reader = new GraphReader(library, tensor);
    const prototype = ffi.proto('bool moescope_eval_callback(void *tensor, bool ask, void *user)');
    this.#callback = ffi.register(
      (pointer: unknown, ask: boolean) => this.#capture?.onNode(pointer, ask) ?? false,
      ffi.pointer(prototype),
    );
    this.#model = new NativeModel(library, options.model, backendOf(options.backend));
    const text = (name: 'llama_version' | 'ggml_version' | 'ggml_commit'): string | null =>
      library.has(name) ? String(library.call(name)) : null;
    send({
      type: 'ready',
      about: {
        path: library.path,
        version: text('llama_version'),
        ggmlVersion: text('ggml_version'),
        commit: text('ggml_commit'),
        devices: this.#model.devices,
        nVocab: this.#model.nVocab,
        nLayer: this.#model.nLayer,
      },
    });
  }

  /** @throws TracerError `engine-failed`, `engine-layout` */
  decode({ tokens, nPast, room }: Decode): void {
    const contexts = this.#contextsFor(tokens.length, nPast, room);
    const started = performance.now();
    contexts.plain.decode(tokens, nPast);
    const expected = tokens.map((_, row) => hashWords(new Uint32Array(contexts.plain.logits(row).buffer)));
    const lastExpected = contexts.plain.logits(tokens.length - 1);
    const between = performance.now();
    const capture = new GraphCapture({
      reader: this.#reader,
      parameters: this.#parameters,
      names: this.#options.names,
      askRouter: this.#options.backend === 'cpu',
      send: (frame, values) => {
        this.#send(frame, values);
      },
    });
    this.#capture = capture;
    try {
      contexts.captured.decode(tokens, nPast);
    } finally {
      this.#capture = undefined;
    }
    capture.check();
    const ended = performance.now();
    if (capture.shown === 0) {
      throw fail(
        'engine-layout',
        'llama.cpp never called back, so nothing was captured.',
        'Use llama.cpp of September 2025 (b6325) or later.',
        { library: this.#library.path },
      );
    }
    this.#nPast = nPast + tokens.length;
    const changed = expected.filter(
      (bits, row) => bits !== hashWords(new Uint32Array(contexts.captured.logits(row).buffer)),
    ).length;
    const end: DecodeEnd = {
      graphs: capture.graphs,
      logitRows: tokens.length,
      logitRowsChanged: changed,
      largestLogitChange: changed === 0 ? 0 : largestChange(lastExpected, contexts.captured.logits(tokens.length - 1)),
      plainMs: between - started,
      capturedMs: ended - between,
      peakBytes: process.resourceUsage().maxRSS * 1024,
      parameters: capture.parameters,
      fusedAttention: capture.fusedAttention,
    };
    this.#send({ type: 'done', end });
  }

  #contextsFor(nTokens: number, nPast: number, room: number): Contexts {
    const open = this.#contexts;
    const fits = open !== undefined && open.room >= nPast + nTokens && open.batch >= nTokens;
    if (nPast > 0) {
      if (fits && nPast === this.#nPast) return open;
      if (fits && nPast < this.#nPast && open.plain.forget(nPast) && open.captured.forget(nPast)) return open;
      throw fail(
        'engine-failed',
        `llama.cpp holds ${this.#nPast} positions; ${nPast} and ${nTokens} more were asked for.`,
        'Run the prompt again.',
        { nPast, nTokens },
      );
    }
    open?.plain.dispose();
    open?.captured.dispose();
    const { ubatch, threads, flashAttention, kv } = this.#options;
    const options = { room: Math.max(room, nTokens), nTokens, ubatch, threads, flashAttention, kv };
    const plain = this.#model.open(options);
    const captured = this.#model.open({ ...options, evalCallback: this.#callback });
    this.#contexts = { plain, captured, room: options.room, batch: nTokens };
    return this.#contexts;
  }
}

function backendOf(word: string): LiveBackend {
  const backend = LIVE_BACKENDS.find((known) => known === word);
  if (backend === undefined) throw fail('internal', `No back end ${word}.`, 'This is a defect in MoEscope.');
  return backend;
}

function largestChange(x: Float32Array, y: Float32Array): number {
  return x.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (y[i] ?? NaN))), 0);
}
