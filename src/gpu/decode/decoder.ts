import { throwIfAborted } from '../../base/abort';
import { fail } from '../../base/errors';
import type { Rescales } from '../../base/f32-error';
import type { Capture } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import {
  attentionPlan,
  RESCALES,
  turnsUpTo,
  methodName,
  type AttentionPlan,
} from '../../fusions/attention/attention-plan';
import type { DecodeChoice } from '../../fusions/choice';
import type { TokenPlan } from '../../fusions/plan-token';
import type { KernelUse } from '../../model/kernel-use';
import { captureOf } from '../engine/capture-rows';
import { KernelLog } from '../engine/kernel-log';
import { ropeTable } from '../engine/rope-table';
import { createBuffers, STEP_HEAD, type DecodeBuffers } from './decode-buffers';
import { buildGraph, type DecodeGraph } from './decode-graph';
import { encodePass } from './decode-pass';
import type { DecodeKeys } from './decode-keys';
import { planOf } from './decode-plan';
import { stageKey, CapturePlan, type DecodeCapture } from './decode-captures';
import type { DecodeWeights } from './decode-weights';
import { LentResult, ResultSlab } from './result-slab';

export interface DecoderOptions {
  /** Stays the caller's to dispose, as do weights and keys. */
  readonly context: GpuContext;
  readonly hparams: HParams;
  readonly weights: DecodeWeights;
  readonly keys: DecodeKeys;
  readonly choice: DecodeChoice;
}

export interface DecodeOptions {
  readonly capture?: DecodeCapture | undefined;
  /** Whether the logits are wanted: 4 nVocab bytes more to read back. */
  readonly logits?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Decoded {
  /** The token with the largest logit, ties to the lower id. */
  readonly token: number;
  /** (nVocab), when asked for. */
  readonly logits: Float32Array<ArrayBuffer> | undefined;
  /** In forward order within a layer; `lm_head` last when captured. */
  readonly captures: readonly Capture[];
}

export interface GenerateOptions extends DecodeOptions {
  /** Most tokens to make. */
  readonly count: number;
  /** Tokens that the GPU is given ahead of the one that is being waited for; 8 when not given, 4 on a software adapter. */
  readonly inFlight?: number;
  /** Called for each token in order; true ends it. The GPU may be a token or two ahead by then. */
  readonly onToken?: (decoded: Decoded, index: number) => boolean | undefined;
  /**
   * Whether `onToken` is only lent the captures: their memory is used again for the next token, and what is returned has the tokens alone.
   * For callers that look at every token and keep none.
   */
  readonly lends?: boolean;
}

export interface Decoder {
  /** Dispatches of a token, and of one layer, as last run. */
  readonly dispatches: { readonly token: number; readonly layer: number };
  /** Stages whose captured value is made for the capture alone. */
  readonly remade: ReadonlySet<string>;
  /** How often attention scales its sums anew, at most. */
  readonly rescales: Rescales;
  /**
   * Runs one token at `position`, whose predecessors' keys and values are in place, and keeps its own. One submit, one readback.
   * @throws TracerError those of the device; `run-cancelled`, `prompt-token`.
   */
  decode(token: number, position: number, options?: DecodeOptions): Promise<Decoded>;
  /**
   * Runs tokens that are known, one behind the other from `position` on, without the CPU waiting between two: the bits of {@link decode} for each.
   * @param options of the last one
   * @returns what the last one made
   */
  follow(tokens: readonly number[], position: number, options?: DecodeOptions): Promise<Decoded>;
  /**
   * Greedy generation: runs `token` at `position`, then each time the token with the largest logit, without the CPU between two tokens.
   * @returns the tokens made, and how many positions are kept: those of all tokens made but the last, and of those before.
   */
  generate(token: number, position: number, options: GenerateOptions): Promise<readonly Decoded[]>;
  /** Makes room for `count` tokens from `position` on and builds what they need, so that none of them waits for it. The caller says how much room is worth taking. */
  prepareFor(position: number, count: number): Promise<void>;
  /** The kernel variants that ran. */
  kernelUses(): readonly KernelUse[];
  dispose(): void;
}

type GenerateOrDecode = DecodeOptions & Pick<GenerateOptions, 'lends'>;

/** See {@link GenerateOptions.inFlight}: enough that hardware goes on while the CPU collects garbage; a software adapter takes a moment for each. */
const IN_FLIGHT = 8;
const IN_FLIGHT_ON_SOFTWARE = 4;

/** A graph and what it was built for. */
interface Built {
  readonly graph: DecodeGraph;
  /** The state that it binds. */
  readonly state: readonly GPUBuffer[];
  readonly captures: GPUBuffer;
  /** Tokens that ran and are not noted yet. */
  tokens: number;
  /** Whose places the params hold. */
  plan: CapturePlan | undefined;
}

/**
 * Decoding with all weights on the GPU: at most seven dispatches a layer, one submit and one readback a token. f32 throughout, in an order
 * of sums that depends on shapes and on the adapter's choice only: two runs are bit-equal, and capturing changes no bit.
 * @throws TracerError `gpu-limit` when no fused kernels cover this model on this device; `gpu-shader`.
 */
export async function createDecoder(options: DecoderOptions): Promise<Decoder> {
  const plan = planOf(options);
  return options.context.step(async () => {
    const session = new DecodeSession(options, plan);
    await session.prepare(1);
    return session;
  });
}

class DecodeSession implements Decoder {
  readonly #context: GpuContext;
  readonly #options: DecoderOptions;
  readonly #hparams: HParams;
  readonly #buffers: DecodeBuffers;
  readonly #token: TokenPlan;
  #captures: GPUBuffer;
  #last: Built | undefined;
  /** By the name of attention's method. */
  readonly #built = new Map<string, Built>();
  readonly #step: Uint32Array<ArrayBuffer>;
  readonly #rope: Float32Array<ArrayBuffer>;
  /** Staging buffers that nobody waits for, by size, a power of two: a few sizes whatever is captured, and none is made twice. */
  readonly #idle = new Map<number, GPUBuffer[]>();
  readonly #results = new ResultSlab();
  readonly #lent = new LentResult();
  readonly #log = new KernelLog();
  #disposed = false;

  constructor(options: DecoderOptions, plan: TokenPlan) {
    const { context, hparams } = options;
    this.#token = plan;
    this.#options = options;
    this.#context = context;
    this.#hparams = hparams;
    this.#buffers = createBuffers(context, plan);
    this.#captures = this.#allocateCaptures(1);
    this.#step = new Uint32Array(STEP_HEAD + (plan.angles?.headDim ?? 0));
    this.#rope = new Float32Array(this.#step.buffer, 4 * STEP_HEAD);
  }

  get dispatches(): { readonly token: number; readonly layer: number } {
    const all = this.#last?.graph.dispatches ?? [];
    return { token: all.length, layer: all.filter(({ layer }) => layer === 0).length };
  }

  readonly rescales = RESCALES;

  get remade(): ReadonlySet<string> {
    return new Set(this.#token.parts.flatMap(({ remade }) => remade));
  }

  /** Builds what a token over `nKeys` keys needs. */
  async prepare(nKeys: number): Promise<Built> {
    const { context, keys, weights } = this.#options;
    keys.reserve(nKeys);
    const { method } = this.#attention(nKeys);
    const state = this.#token.parts.flatMap(({ section: { layer = NaN }, appends }) =>
      appends.map(({ name }) => keys.slot(layer, name)),
    );
    const old = this.#built.get(methodName(method));
    const fits = old?.captures === this.#captures && old.state.every((buffer, i) => buffer === state[i]);
    if (old !== undefined && fits) return (this.#last = old);
    if (old !== undefined) {
      this.#note(old);
      context.release(old.graph.params);
    }
    this.#built.delete(methodName(method));
    const [plan, buffers, captures] = [this.#token, this.#buffers, this.#captures];
    const graph = await buildGraph({ context, plan, weights, buffers, keys, method, captures });
    const built: Built = { graph, state, captures, tokens: 0, plan: undefined };
    this.#built.set(methodName(method), built);
    return (this.#last = built);
  }

  prepareFor(position: number, count: number): Promise<void> {
    return this.#context.step(async () => {
      const [first, last] = [position + 1, position + count];
      this.#options.keys.reserve(last);
      const turns = turnsUpTo(this.#options.choice.attention, last).filter((keys) => keys > first);
      // The first token's last: it is the one that runs next.
      for (const keys of [...turns.toReversed(), first]) await this.prepare(keys);
    });
  }

  get #logits(): GPUBuffer {
    const { buffer } = this.#token.logits;
    const found = this.#buffers.values.get(buffer);
    if (found === undefined) throw new RangeError(`no buffer ${buffer}`);
    return found;
  }

  #attention(nKeys: number): AttentionPlan {
    return attentionPlan(this.#hparams, this.#options.choice.attention, nKeys);
  }

  decode(token: number, position: number, options: DecodeOptions = {}): Promise<Decoded> {
    return this.#context.step(async () => {
      this.#check(token, options.signal);
      const waiting = await this.#submit(token, position, options);
      return waiting();
    });
  }

  follow(tokens: readonly number[], position: number, options: DecodeOptions = {}): Promise<Decoded> {
    const { signal } = options;
    return this.#context.step(async () => {
      for (const token of tokens) this.#check(token, signal);
      const flying: (() => Promise<Decoded>)[] = [];
      let last: Decoded | undefined;
      try {
        for (const [i, token] of tokens.entries()) {
          if (flying.length >= this.#inFlight) await flying.shift()?.();
          throwIfAborted(signal);
          flying.push(await this.#submit(token, position + i, i === tokens.length - 1 ? options : {}));
        }
        while (flying.length > 0) last = await flying.shift()?.();
        throwIfAborted(signal);
      } finally {
        // Staging buffers go back only when they are mapped and read.
        await Promise.allSettled(flying.map((wait) => wait()));
      }
      if (last === undefined) throw fail('prompt-empty', 'There is no token to run.', 'Give at least one token.');
      return last;
    });
  }

  get #inFlight(): number {
    return this.#context.card.isSoftware ? IN_FLIGHT_ON_SOFTWARE : IN_FLIGHT;
  }

  generate(token: number, position: number, options: GenerateOptions): Promise<readonly Decoded[]> {
    return this.#context.step(async () => {
      this.#check(token, options.signal);
      const made: Decoded[] = [];
      const flying: (() => Promise<Decoded>)[] = [];
      const inFlight = options.inFlight ?? this.#inFlight;
      let submitted = 0;
      let ended = false;
      try {
        while (made.length < options.count && !ended) {
          while (flying.length < inFlight && submitted < options.count) {
            const first = submitted === 0 ? token : undefined;
            flying.push(await this.#submit(first, position + submitted, options));
            submitted++;
          }
          const next = await flying.shift()?.();
          throwIfAborted(options.signal);
          if (next === undefined) break;
          made.push(options.lends === true ? { token: next.token, logits: undefined, captures: [] } : next);
          ended = options.onToken?.(next, made.length - 1) === true;
        }
      } finally {
        // Staging buffers go back only when they are mapped and read.
        await Promise.allSettled(flying.map((wait) => wait()));
      }
      return made;
    });
  }

  kernelUses(): readonly KernelUse[] {
    for (const built of this.#built.values()) this.#note(built);
    return this.#log.uses();
  }

  #note(built: Built): void {
    if (built.tokens > 0) built.graph.note(this.#log, built.tokens);
    built.tokens = 0;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { graph } of this.#built.values()) this.#context.release(graph.params);
    this.#buffers.dispose();
    this.#context.release(this.#captures);
    for (const idle of this.#idle.values()) for (const buffer of idle) this.#context.release(buffer);
  }

  #check(token: number, signal: AbortSignal | undefined): void {
    if (this.#disposed) throw fail('internal', 'The decoder was disposed.', 'Create another one.');
    throwIfAborted(signal);
    if (!Number.isInteger(token) || token < 0 || token >= this.#hparams.nVocab) {
      throw fail('prompt-token', `Token ${token} is not in the vocabulary.`, 'Use ids from 0 to the vocabulary size.', {
        token,
        nVocab: this.#hparams.nVocab,
      });
    }
  }

  /** Records and submits one token; undefined: the one that the GPU found itself. Returns what waits for its result. */
  async #submit(
    token: number | undefined,
    position: number,
    options: GenerateOrDecode,
  ): Promise<() => Promise<Decoded>> {
    const { device } = this.#context;
    const { angles, logits: head } = this.#token;
    const nVocab = head.count;
    const nKeys = position + 1;
    const plan = this.#planFor(options.capture, nKeys);
    if (4 * plan.words > this.#captures.size) this.#growCaptures(plan.words);
    const built = await this.prepare(nKeys);
    if (built.plan !== plan) {
      device.queue.writeBuffer(built.graph.params, 0, built.graph.paramsFor(plan));
      built.plan = plan;
    }
    if (token !== undefined) device.queue.writeBuffer(this.#buffers.token, 0, Uint32Array.of(token));
    const splits = this.#attention(nKeys);
    this.#step.set([position, splits.count, splits.keys]);
    if (angles !== undefined) this.#rope.set(ropeTable(position, 1, { theta: angles.theta, dims: angles.headDim }));
    device.queue.writeBuffer(this.#buffers.step, 0, this.#step);

    const isCaptured = options.capture?.stages.some((stage) => stage === head.stage) === true;
    const wantsLogits = options.logits === true || isCaptured;
    const logitWords = wantsLogits ? nVocab : 0;
    const words = 1 + logitWords + plan.words;
    const staging = this.#staging(4 * words);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({ label: 'decode' });
    encodePass(pass, built.graph.dispatches, splits.count);
    pass.end();
    encoder.copyBufferToBuffer(this.#buffers.token, 0, staging, 0, 4);
    if (wantsLogits) encoder.copyBufferToBuffer(this.#logits, 0, staging, 4, 4 * nVocab);
    if (plan.words > 0) encoder.copyBufferToBuffer(this.#captures, 0, staging, 4 * (1 + logitWords), 4 * plan.words);
    device.queue.submit([encoder.finish()]);
    built.tokens++;
    const mapped = staging.mapAsync(GPUMapMode.READ, 0, 4 * words);
    // It is awaited below; until then its failure must not count as unhandled.
    mapped.catch(() => undefined);
    return async () => {
      await mapped;
      const range = staging.getMappedRange(0, 4 * words);
      const all = options.lends === true ? this.#lent.copyOf(range) : this.#results.copyOf(range);
      staging.unmap();
      this.#giveBack(staging);
      const logits = wantsLogits ? new Float32Array(all.slice(1, 1 + nVocab).buffer) : undefined;
      const { kernels } = built.graph;
      const captures = plan.captures(all.subarray(1 + logitWords), position, kernels);
      if (logits === undefined || !isCaptured) return { token: all[0] ?? 0, logits, captures };
      const { head: section, sizes } = this.#token.graph;
      const of = { sizes, nKeys, kernel: kernels.get(stageKey(head.stage, undefined)) };
      const captured = captureOf(section.output, undefined, [position], new Uint32Array(logits.buffer), of);
      return { token: all[0] ?? 0, logits, captures: [...captures, captured] };
    };
  }

  #plan:
    { readonly capture: DecodeCapture | undefined; readonly nKeys: number; readonly plan: CapturePlan } | undefined;

  /** The same plan for the same capture, so that params are written only when it changes. */
  #planFor(capture: DecodeCapture | undefined, nKeys: number): CapturePlan {
    const last = this.#plan;
    if (last !== undefined && last.capture === capture && (last.nKeys === nKeys || !last.plan.growing))
      return last.plan;
    const plan = new CapturePlan(this.#token, capture, nKeys);
    this.#plan = { capture, nKeys, plan };
    return plan;
  }

  #allocateCaptures(words: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    return this.#context.allocate('decode captures', 4 * words, usage);
  }

  #growCaptures(words: number): void {
    this.#context.release(this.#captures);
    this.#captures = this.#allocateCaptures(words);
  }

  #staging(size: number): GPUBuffer {
    const rounded = 2 ** Math.ceil(Math.log2(size));
    const idle = this.#idle.get(rounded)?.pop();
    return idle ?? this.#context.allocate('decode staging', rounded, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  }

  #giveBack(staging: GPUBuffer): void {
    if (this.#disposed) {
      this.#context.release(staging);
      return;
    }
    const idle = this.#idle.get(staging.size);
    if (idle === undefined) this.#idle.set(staging.size, [staging]);
    else idle.push(staging);
  }
}
