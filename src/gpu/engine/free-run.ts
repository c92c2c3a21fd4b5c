import { fail } from '../../base/errors';
import type { StepOptions, Tap } from '../../model/engine';
import { LAYER_STAGES, type ActiveStageId, type LayerStageId, type StageId } from '../../model/stages';
import { findWeight } from '../../model/weights';
import { linearGrid } from '../../ops/kernel-grid';
import type { BufferRange } from '../recorder';
import { matrixParts, vectorPart } from '../weights/weight-part';
import { Capture } from './capture';
import { checkCapture, checkForcedExperts, checkTokens } from '../../model/check-step';
import { cutChunks, headChunkRows, layerChunkRows, scoreRows, type Chunk } from './chunks';
import { ExpertGroups } from './expert-groups';
import { IndexReadback } from './index-readback';
import { KvCache, type LayerKeys } from './kv-cache';
import { positionRuns, positionsOf, union } from './positions';
import { StageBuffers } from './stage-buffers';
import { joinedWidth } from './project-together';
import { PROJECTIONS, type Together } from './projections';
import { fusesAttention, type StageKernels } from './stage-kernels';
import type { StageRange, StageRun, Tools } from './stage-run';
import { rowLength, type StageInput } from './stage-sizes';

type Taps = ReadonlyMap<StageId, Tap>;

/** The stages of a layer in parts: every chunk's keys are needed before attention, which may do without stored scores, and the chosen experts before the rest. */
const UP_TO_KEYS = stagesBetween('attn_norm', 'k_post_rope');
const SCORES = stagesBetween('attn_scores', 'attn_softmax');
const UP_TO_ROUTER = stagesBetween('attention', 'moe_router');
const EXPERTS = stagesBetween('moe_expert_gate', 'post_ffn_residual');

/** What a step that feeds itself keeps on the GPU. */
export class FreeRun {
  readonly #tools: Tools;
  readonly #kernels: StageKernels;
  readonly #cache: KvCache;
  readonly #indices: IndexReadback;
  readonly #groups: ExpertGroups;
  /** Reused by every chunk. */
  readonly #shared: StageBuffers;
  /** The residual stream and the queries of each chunk, which outlive its turn. */
  readonly #ofChunk: StageBuffers[] = [];
  #tokens = new Uint32Array(0);
  #nPast = 0;
  /** Positions whose keys and values are kept. */
  #kept = 0;
  #chunks: readonly Chunk[] = [];
  /** Whether the step's attention stores no scores. */
  #fused = false;
  /** The layers before were done by another engine. */
  #restored = false;
  /** The layer whose turn it is; undefined when `begin` has to come first. */
  #nextLayer: number | undefined;

  constructor(tools: Tools, kernels: StageKernels) {
    this.#tools = tools;
    this.#kernels = kernels;
    this.#cache = new KvCache(tools.context, tools.recorder, tools.hparams.kvDim);
    this.#indices = new IndexReadback(tools.context, tools.recorder);
    this.#groups = new ExpertGroups(tools.context, tools.recorder, tools.kernels, tools.hparams);
    this.#shared = new StageBuffers(tools.context, tools.hparams, 'free');
  }

  /** Token ids of the step's positions, from `nPast`. */
  get tokens(): Uint32Array<ArrayBuffer> {
    return this.#tokens;
  }

  get nPast(): number {
    return this.#nPast;
  }

  /** Keys and values of the positions so far, for whoever goes on from here (`decode/`). */
  get keys(): KvCache {
    return this.#cache;
  }

  /** Positions whose keys and values are in place. Set by who wrote the keys and values of more. */
  get kept(): number {
    return this.#kept;
  }

  set kept(positions: number) {
    this.#kept = positions;
  }

  async begin(tokens: Uint32Array<ArrayBuffer>, nPast: number, options: StepOptions): Promise<Taps> {
    const { hparams, recorder } = this.#tools;
    this.#nextLayer = undefined;
    checkTokens(tokens, hparams.nVocab);
    if (nPast > this.#kept) {
      throw fail('internal', `Only ${this.#kept} positions are kept; ${nPast} were asked for.`, 'Begin with nPast 0.');
    }
    checkCapture(options.capture, nPast, tokens.length);
    this.#tokens = tokens.slice();
    this.#nPast = nPast;
    this.#kept = nPast;
    this.#restored = false;
    this.#cache.reserve(nPast + tokens.length);
    this.#cut();
    const taps = await this.#captured(undefined, ['embedding'], options, async (capture) => {
      for (const chunk of this.#chunks) await this.#stage('embedding', chunk, { options, capture, layer: undefined });
      recorder.submit();
    });
    this.#nextLayer = 0;
    return taps;
  }

  /** Cuts the step's tokens into chunks, and says how they attend. */
  #cut(): void {
    const { length } = this.#tokens;
    this.#fused = fusesAttention(this.#tools, length);
    this.#chunks = cutChunks(length, layerChunkRows(this.#tools, this.#nKeys, !this.#fused));
  }

  /** As `IsolatingEngine.restore` says: nothing is kept of the positions, so that `begin` has to start afresh next time. */
  restore(tokens: Uint32Array<ArrayBuffer>, layer: number, hidden: Float32Array<ArrayBuffer>): void {
    const { hparams, context } = this.#tools;
    checkTokens(tokens, hparams.nVocab);
    if (hidden.length !== tokens.length * hparams.nEmbd) {
      throw fail(
        'internal',
        `${hidden.length} values are no residual stream of ${tokens.length} tokens.`,
        'Run again.',
      );
    }
    this.#tokens = tokens.slice();
    this.#nPast = 0;
    this.#kept = 0;
    this.#restored = true;
    this.#cache.reserve(tokens.length);
    this.#cut();
    for (const chunk of this.#chunks) {
      const { buffer, offset = 0 } = this.#own('layer_input', chunk);
      const rows = hidden.subarray(chunk.first * hparams.nEmbd, (chunk.first + chunk.rows) * hparams.nEmbd);
      context.device.queue.writeBuffer(buffer, offset, rows);
    }
    this.#nextLayer = layer;
  }

  async layer(layer: number, options: StepOptions): Promise<Taps> {
    if (layer !== this.#nextLayer) {
      throw fail('internal', `Layer ${layer} was asked for out of turn.`, 'Call begin, then the layers in order.');
    }
    const { hparams, recorder } = this.#tools;
    this.#nextLayer = undefined;
    checkCapture(options.capture, this.#nPast, this.#tokens.length);
    checkForcedExperts(options.forcedExperts, this.#tokens.length, hparams);
    const kept = this.#cache.layer(layer);
    const taps = await this.#captured(layer, LAYER_STAGES, options, async (capture) => {
      const turn: Turn = { options, capture, layer, kept };
      for (const chunk of this.#chunks) {
        const together = this.#together(chunk);
        for (const stage of UP_TO_KEYS) await this.#stage(stage, chunk, { ...turn, together });
      }
      this.#prefetch(layer + 1);
      for (const chunk of this.#chunks) {
        if (this.#fused) await this.#scoreTaps(chunk, turn);
        else for (const stage of SCORES) await this.#stage(stage, chunk, turn);
        for (const stage of UP_TO_ROUTER) await this.#stage(stage, chunk, turn);
        const chosen = this.#grouped(chunk) ?? { experts: await this.#chosenExperts(chunk, options) };
        for (const stage of EXPERTS) await this.#stage(stage, chunk, { ...turn, ...chosen });
      }
      recorder.submit();
    });
    this.#nextLayer = layer + 1;
    if (this.#nextLayer === hparams.nLayer && !this.#restored) this.#kept = this.#nKeys;
    return taps;
  }

  /** Normalises and projects only the rows that are captured. */
  async end(options: StepOptions): Promise<Taps> {
    const { hparams, recorder } = this.#tools;
    if (this.#nextLayer !== hparams.nLayer) {
      throw fail('internal', 'The end was asked for before every layer was done.', 'Call begin, then every layer.');
    }
    checkCapture(options.capture, this.#nPast, this.#tokens.length);
    return this.#captured(undefined, ['final_norm', 'lm_head'], options, async (capture) => {
      const all = union([capture.positions('final_norm'), capture.positions('lm_head')]);
      const projected = new Set(capture.positions('lm_head'));
      const groups = [all.filter((p) => projected.has(p)), all.filter((p) => !projected.has(p))];
      for (const [i, positions] of groups.entries()) {
        const atMost = headChunkRows(this.#tools);
        for (const [index, { first, rows }] of cutChunks(positions.length, atMost).entries()) {
          const chosen = positions.slice(first, first + rows);
          this.#gatherRows(chosen);
          const chunk = { index, first: (chosen[0] ?? 0) - this.#nPast, rows };
          const turn: Turn = { options, capture, layer: undefined, positions: chosen };
          await this.#stage('final_norm', chunk, turn);
          if (i === 0) await this.#stage('lm_head', chunk, turn);
        }
      }
      recorder.submit();
    });
  }

  dispose(): void {
    this.#nextLayer = undefined;
    this.#kept = 0;
    this.#cache.dispose();
    this.#indices.dispose();
    this.#groups.dispose();
    this.#shared.dispose();
    for (const buffers of this.#ofChunk) buffers.dispose();
  }

  get #nKeys(): number {
    return this.#nPast + this.#tokens.length;
  }

  async #captured(
    layer: number | undefined,
    stages: readonly ActiveStageId[],
    options: StepOptions,
    body: (capture: Capture) => Promise<void>,
  ): Promise<Taps> {
    const { context, recorder, hparams } = this.#tools;
    const capture = new Capture(context, recorder, { hparams, layer, nKeys: this.#nKeys, stages }, options.capture);
    try {
      await body(capture);
      return await capture.finish();
    } finally {
      capture.dispose();
    }
  }

  /** Computes scores and probabilities of the captured rows alone, beside an attention that stores none. */
  async #scoreTaps(chunk: Chunk, turn: Turn): Promise<void> {
    const { hparams, recorder } = this.#tools;
    const captured = SCORES.filter((stage) => turn.capture.has(stage));
    const first = this.#nPast + chunk.first;
    const wanted = union(captured.map((stage) => turn.capture.positions(stage)));
    const here = wanted.filter((position) => position >= first && position < first + chunk.rows);
    const bytes = 4 * hparams.qDim;
    for (const run of positionRuns(here, Math.min(chunk.rows, scoreRows(this.#tools, this.#nKeys)))) {
      const queries = this.#shared.get('q_post_rope', run.rows, this.#nKeys);
      const source = this.#own('q_post_rope', chunk).buffer;
      recorder.copy(source, (run.first - first) * bytes, queries.buffer, 0, run.rows * bytes);
      const rows = { index: chunk.index, first: run.first - this.#nPast, rows: run.rows };
      for (const stage of SCORES) await this.#stage(stage, rows, { ...turn, queries });
    }
  }

  async #stage(stage: ActiveStageId, chunk: Chunk, turn: Turn): Promise<void> {
    const { kept, capture } = turn;
    const output = this.#outputOf(stage, chunk, kept);
    const outputRow = stage === 'k_post_rope' || stage === 'v_proj' ? this.#nPast + chunk.first : 0;
    const run: StageRun = {
      tools: this.#tools,
      layer: turn.layer,
      stepTokens: this.#tokens.length,
      rows: chunk.rows,
      firstPosition: this.#nPast + chunk.first,
      nKeys: this.#nKeys,
      futureKeys: capture.has('attn_scores'),
      input: (name) => this.#inputOf(name, chunk, turn),
      keys: () => keptOf(kept, 'keys'),
      values: () => keptOf(kept, 'values'),
      tokens: () => this.#tokens.subarray(chunk.first, chunk.first + chunk.rows),
      experts: () => turn.experts ?? new Uint32Array(0),
      groups: turn.groups,
      fusedAttention: this.#fused,
      together: turn.together,
      output,
      outputRow,
      signal: turn.options.signal,
    };
    const forced = stage === 'moe_router_indices' ? turn.options.forcedExperts : undefined;
    if (forced === undefined) await this.#kernels[stage](run);
    else this.#writeExperts(this.#rowsOf(forced, chunk), output);
    this.#unpack(run, stage, capture.has(stage));
    const positions = turn.positions ?? positionsOf({ first: run.firstPosition, rows: chunk.rows });
    capture.take(stage, positions, output, outputRow);
  }

  #inputOf(name: StageInput, chunk: Chunk, turn: Turn): StageRange {
    const projection = PROJECTIONS.find((id) => id === name);
    const first = projection === undefined ? undefined : turn.together?.columns.get(projection);
    if (turn.together !== undefined && first !== undefined) {
      return { ...turn.together.joined, columns: { stride: joinedWidth({ tools: this.#tools }), first } };
    }
    if (name === 'q_post_rope' && turn.queries !== undefined) return turn.queries;
    // At the end the rows in hand are gathered ones, not a chunk of the stream.
    if (turn.positions === undefined && (name === 'layer_input' || name === 'q_post_rope'))
      return this.#own(name, chunk);
    return this.#shared.get(name, chunk.rows, this.#nKeys);
  }

  #outputOf(stage: ActiveStageId, chunk: Chunk, kept: LayerKeys | undefined): BufferRange {
    if (stage === 'embedding' || stage === 'post_ffn_residual') return this.#own('layer_input', chunk);
    if (stage === 'q_post_rope') return this.#own(stage, chunk);
    if (stage === 'k_post_rope') return keptOf(kept, 'keys');
    if (stage === 'v_proj') return keptOf(kept, 'values');
    return this.#shared.get(stage, chunk.rows, this.#nKeys);
  }

  /** A buffer of this chunk alone. */
  #own(name: 'layer_input' | 'q_post_rope', chunk: Chunk): BufferRange {
    const { context, hparams } = this.#tools;
    const buffers = (this.#ofChunk[chunk.index] ??= new StageBuffers(context, hparams, `chunk ${chunk.index}`));
    return buffers.get(name, chunk.rows, this.#nKeys);
  }

  /** Room for projections of a chunk that are computed together; undefined where no weights lie stacked. */
  #together(chunk: Chunk): Together | undefined {
    if (this.#tools.cache.resident === undefined) return undefined;
    const words = chunk.rows * joinedWidth({ tools: this.#tools });
    return { joined: this.#shared.room('projections', words), columns: new Map() };
  }

  /** Copies a projection that was computed together with others to where it is kept: values always, the others where they are captured. */
  #unpack(run: StageRun, stage: ActiveStageId, captured: boolean): void {
    const { recorder, kernels, hparams } = this.#tools;
    const projection = PROJECTIONS.find((id) => id === stage);
    const xOffset = projection === undefined ? undefined : run.together?.columns.get(projection);
    if (run.together === undefined || xOffset === undefined || (stage !== 'v_proj' && !captured)) return;
    const width = rowLength(stage, hparams, run.nKeys);
    const count = run.rows * width;
    recorder.dispatch(
      kernels.copyRows,
      { x: run.together.joined, y: run.output },
      { count, rowLength: width, xStride: joinedWidth(run), xOffset, yOffset: run.outputRow * width },
      linearGrid(count, 64),
    );
  }

  /** The chunk's slots grouped on the GPU, where all weights are there and no expert has to be read. */
  #grouped(chunk: Chunk): { readonly groups: ExpertGroups } | undefined {
    if (this.#tools.cache.resident === undefined || !this.#tools.groupOnGpu) return undefined;
    this.#groups.begin(this.#shared.get('moe_router_indices', chunk.rows, this.#nKeys), chunk.rows);
    return { groups: this.#groups };
  }

  /** The experts of a chunk, read back from the GPU: the only values that the CPU looks at, to know what to read from the file. */
  async #chosenExperts(chunk: Chunk, options: StepOptions): Promise<Uint32Array<ArrayBuffer>> {
    if (options.forcedExperts !== undefined) return this.#rowsOf(options.forcedExperts, chunk);
    const { hparams, pacer } = this.#tools;
    const { buffer } = this.#shared.get('moe_router_indices', chunk.rows, this.#nKeys);
    const experts = await this.#indices.read(buffer, chunk.rows * hparams.nExpertUsed);
    pacer.reset();
    const outside = experts.find((expert) => expert >= hparams.nExpert);
    if (outside !== undefined) {
      throw fail(
        'gpu-validation',
        `The GPU chose expert ${outside} of ${hparams.nExpert}.`,
        'The adapter or its driver computes wrongly. Update the driver, or use another adapter.',
        { expert: outside, nExpert: hparams.nExpert },
      );
    }
    return experts;
  }

  #rowsOf(experts: Uint32Array<ArrayBuffer>, chunk: Chunk): Uint32Array<ArrayBuffer> {
    const { nExpertUsed } = this.#tools.hparams;
    return experts.slice(chunk.first * nExpertUsed, (chunk.first + chunk.rows) * nExpertUsed);
  }

  #writeExperts(experts: Uint32Array<ArrayBuffer>, output: BufferRange): void {
    const { context, recorder } = this.#tools;
    // The write goes ahead of what is recorded: whatever still reads the buffer has to be submitted first.
    recorder.submit();
    context.device.queue.writeBuffer(output.buffer, output.offset ?? 0, experts);
  }

  /** Copies rows of the residual stream to the shared `layer_input`. */
  #gatherRows(positions: readonly number[]): void {
    const { recorder, hparams } = this.#tools;
    const bytes = 4 * hparams.nEmbd;
    const target = this.#shared.get('layer_input', positions.length, this.#nKeys);
    let row = 0;
    for (const { first, rows } of positionRuns(positions, Infinity)) {
      const from = first - this.#nPast;
      for (const chunk of this.#chunks) {
        const start = Math.max(from, chunk.first);
        const end = Math.min(from + rows, chunk.first + chunk.rows);
        if (start >= end) continue;
        const source = this.#own('layer_input', chunk).buffer;
        recorder.copy(source, (start - chunk.first) * bytes, target.buffer, row * bytes, (end - start) * bytes);
        row += end - start;
      }
    }
  }

  /** The next layer's attention weights are read while this layer computes. */
  #prefetch(layer: number): void {
    const { model, hparams, cache, context } = this.#tools;
    if (layer >= hparams.nLayer) return;
    const most = Math.min(context.maxBindingBytes, cache.batchBytes);
    const vectors = (['attn_norm', 'attn_q_norm', 'attn_k_norm', 'ffn_norm'] as const).map((role) =>
      vectorPart(findWeight(model, hparams, role, layer)),
    );
    const matrices = (['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate_inp'] as const).flatMap((role) =>
      matrixParts(findWeight(model, hparams, role, layer), most),
    );
    cache.prefetch([...vectors, ...matrices]);
  }
}

/** What is the same for all stages of a chunk's turn. */
interface Turn {
  readonly options: StepOptions;
  readonly capture: Capture;
  readonly layer: number | undefined;
  readonly kept?: LayerKeys;
  readonly experts?: Uint32Array<ArrayBuffer>;
  readonly groups?: ExpertGroups;
  /** Projections that were computed together. */
  readonly together?: Together | undefined;
  /** Queries of the rows where they are not a whole chunk's. */
  readonly queries?: BufferRange;
  /** Positions of the rows where they are not neighbours. */
  readonly positions?: readonly number[];
}

function keptOf(kept: LayerKeys | undefined, part: keyof LayerKeys): BufferRange {
  if (kept === undefined)
    throw fail('internal', 'A whole-model stage asked for keys or values.', 'Please report this.');
  return { buffer: kept[part] };
}

function stagesBetween(first: LayerStageId, last: LayerStageId): readonly LayerStageId[] {
  return LAYER_STAGES.slice(LAYER_STAGES.indexOf(first), LAYER_STAGES.indexOf(last) + 1);
}
