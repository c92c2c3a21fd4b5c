import {
  choosesWeights,
  chosenBy,
  LAYER_INPUT,
  rowLength,
  sizeOf,
  type ModelGraph,
  type Node,
  type Section,
  type StateSlot,
  type Value,
} from '../../arch/graph';
import { fail } from '../../base/errors';
import { checkCapture, checkForcedExperts, checkPast, checkTokens } from '../../model/check-step';
import type { StepOptions, Capture } from '../../model/engine';
import type { StageId } from '../../model/stages';
import { isByKey } from '../../arch/walk';
import type { TiledAttention } from '../../fusions/attention-tiled/fusion';
import { coverRows, type RowsCover } from '../../fusions/rows-fusions';
import type { MatmulDevice } from '../matmul/choose-method';
import { matmulDevice } from '../matmul/encode-matmul';
import type { BufferRange } from '../recorder';
import { isVector } from '../weights/placed-rows';
import { headPart, matrixParts, vectorPart } from '../weights/weight-part';
import { splitsValues } from './attention-ops';
import { tiledAttention } from './attention-tiled';
import { CaptureRows } from './capture-rows';
import { cutChunks, layerChunkRows, scoreRows, sectionChunkRows, type Chunk } from './chunks';
import { ChosenExperts, type Chosen } from './chosen-experts';
import { KvCache } from './kv-cache';
import { READS_COLUMNS, type KernelOf } from './op-kernels';
import { positionRuns, positionsOf, union } from './positions';
import { joinedProducts } from './products';
import { fixedWeights, planSection, type SectionPlan } from './section-plan';
import { SideBySide } from './side-by-side';
import { logged, type StageRun, type Tools, type ValueRange } from './stage-run';
import { StateTails } from './state-tails';
import { ValueBuffers } from './value-buffers';

type Captures = ReadonlyMap<StageId, Capture>;

/** What a step that feeds itself keeps on the GPU. */
export class FreeRun {
  readonly #tools: Tools;
  readonly #graph: ModelGraph;
  readonly #kernels: KernelOf;
  readonly #plans: readonly SectionPlan[];
  readonly #cache: KvCache;
  readonly #tails: StateTails;
  readonly #experts: ChosenExperts;
  /** Reused by every chunk. */
  readonly #shared: ValueBuffers;
  /** The residual stream of each chunk, and what else outlives its turn. */
  readonly #ofChunk: ValueBuffers[] = [];
  /** Which of two places holds the residual stream. */
  #side = 0;
  #tokens = new Uint32Array(0);
  #nPast = 0;
  /** Positions whose keys and values are kept. */
  #kept = 0;
  #chunks: readonly Chunk[] = [];
  /** Of each layer: what fusions compute of this step. */
  #covers: readonly ReadonlyMap<string, RowsCover>[] = [];
  /** What the covers were found for: nothing else about a step decides. */
  #cutFor: { readonly tokens: number; readonly resident: unknown } | undefined;
  /** The layers before were done by another engine. */
  #restored = false;
  /** The layer whose turn it is; undefined when `begin` has to come first. */
  #nextLayer: number | undefined;

  constructor(tools: Tools, kernels: KernelOf) {
    const { context, recorder, bound } = tools;
    this.#tools = tools;
    this.#graph = bound.graph;
    this.#kernels = kernels;
    this.#plans = this.#graph.layers.map(planSection);
    this.#cache = new KvCache(context, recorder, (layer, slot) => stateWidth(this.#graph, layer, slot));
    this.#tails = new StateTails(context, recorder, (slot) => rowLength(slot.value, this.#graph.sizes, 1));
    this.#experts = new ChosenExperts(tools);
    this.#shared = new ValueBuffers(context, 'free');
  }

  /** Token ids of the step's positions, from `nPast`. */
  get tokens(): Uint32Array<ArrayBuffer> {
    return this.#tokens;
  }

  get nPast(): number {
    return this.#nPast;
  }

  /** Keys and values of the positions so far, from which the decoder goes on. */
  get keys(): KvCache {
    return this.#cache;
  }

  /** Positions whose keys and values are in place. The decoder sets it after it appended to them. */
  get kept(): number {
    return this.#kept;
  }

  set kept(positions: number) {
    this.#kept = positions;
  }

  async begin(tokens: Uint32Array<ArrayBuffer>, nPast: number, options: StepOptions): Promise<Captures> {
    this.#nextLayer = undefined;
    checkTokens(tokens, sizeOf(this.#graph.sizes, 'nVocab'));
    checkPast(this.#graph, nPast, this.#kept);
    checkCapture(options.capture, nPast, tokens.length);
    this.#tokens = tokens.slice();
    this.#nPast = nPast;
    this.#kept = nPast;
    this.#restored = false;
    this.#cache.reserve(nPast + tokens.length);
    await this.#cut();
    const { embed } = this.#graph;
    const captures = await this.#captured(embed, options, async (capture) => {
      for (const chunk of this.#chunks) {
        const stepState = this.#stepState(planSection(embed), chunk, options, capture);
        for (const node of embed.nodes) await this.#node(node, stepState);
      }
    });
    this.#nextLayer = 0;
    return captures;
  }

  /** As `IsolatingEngine.restore` says: nothing is kept of the positions, so that `begin` has to start afresh next time. */
  async restore(tokens: Uint32Array<ArrayBuffer>, layer: number, hidden: Float32Array): Promise<void> {
    const { queue } = this.#tools.context.device;
    const { sizes } = this.#graph;
    const width = sizeOf(sizes, 'nEmbd');
    checkTokens(tokens, sizeOf(sizes, 'nVocab'));
    if (hidden.length !== tokens.length * width) {
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
    await this.#cut();
    for (const chunk of this.#chunks) {
      const { buffer, offset = 0 } = this.#residual(chunk, this.#side);
      queue.writeBuffer(buffer, offset, hidden.slice(chunk.first * width, (chunk.first + chunk.rows) * width));
    }
    this.#nextLayer = layer;
  }

  async layer(layer: number, options: StepOptions): Promise<Captures> {
    const plan = this.#plans[layer];
    if (layer !== this.#nextLayer || plan === undefined) {
      throw fail('internal', `Layer ${layer} was asked for out of turn.`, 'Call begin, then the layers in order.');
    }
    this.#nextLayer = undefined;
    checkCapture(options.capture, this.#nPast, this.#tokens.length);
    checkForcedExperts(options.forcedExperts, this.#tokens.length, this.#tools.hparams);
    const captures = await this.#captured(plan.section, options, async (capture) => {
      for (const [phase, nodes] of plan.phases.entries()) {
        for (const chunk of this.#chunks) {
          const stepState = this.#stepState(plan, chunk, options, capture);
          for (const node of nodes) await this.#node(node, stepState);
          this.#append(nodes, stepState);
        }
        if (phase === 0) this.#prefetch(layer + 1);
      }
    });
    if (plan.readsInputLast) this.#side = 1 - this.#side;
    this.#nextLayer = layer + 1;
    if (this.#nextLayer === this.#plans.length && !this.#restored) this.#kept = this.#nKeys;
    return captures;
  }

  /** Computes only the rows that are captured, each as far as somebody asks for it. */
  async end(options: StepOptions): Promise<Captures> {
    if (this.#nextLayer !== this.#plans.length) {
      throw fail('internal', 'The end was asked for before every layer was done.', 'Call begin, then every layer.');
    }
    checkCapture(options.capture, this.#nPast, this.#tokens.length);
    const plan = planSection(this.#graph.head);
    const { nodes } = plan.section;
    return this.#captured(plan.section, options, async (capture) => {
      const done = new Set<number>();
      for (let last = nodes.length - 1; last >= 0; last--) {
        const wanted = capture.positions(nodes[last]?.out.id ?? '').filter((position) => !done.has(position));
        for (const position of wanted) done.add(position);
        const atMost = sectionChunkRows(this.#tools, plan.section);
        for (const { first, rows, index } of cutChunks(wanted.length, atMost)) {
          const positions = wanted.slice(first, first + rows);
          this.#gatherRows(positions);
          const chunk = { index, first: (positions[0] ?? 0) - this.#nPast, rows };
          const stepState = { ...this.#stepState(plan, chunk, options, capture), positions };
          for (const node of nodes.slice(0, last + 1)) await this.#node(node, stepState);
        }
      }
    });
  }

  dispose(): void {
    this.#nextLayer = undefined;
    this.#kept = 0;
    this.#cache.dispose();
    this.#tails.dispose();
    this.#experts.dispose();
    this.#shared.dispose();
    for (const buffers of this.#ofChunk) buffers.dispose();
  }

  get #nKeys(): number {
    return this.#nPast + this.#tokens.length;
  }

  /** Finds the fusions that cover the step, and cuts its tokens into chunks. */
  async #cut(): Promise<void> {
    const tools = this.#tools;
    const graph = this.#graph;
    const { length } = this.#tokens;
    this.#side = 0;
    const { resident } = tools.cache;
    const isCut = this.#cutFor?.tokens === length && this.#cutFor.resident === resident;
    if (!isCut) this.#covers = this.#coversOf(length, await matmulDevice(tools.context));
    this.#cutFor = { tokens: length, resident };
    const storesScores = graph.layers.some(({ nodes }, i) =>
      nodes.some(({ out }) => isByKey(out) && this.#covers[i]?.has(out.id) !== true),
    );
    this.#chunks = cutChunks(length, layerChunkRows(tools, this.#nKeys, storesScores));
  }

  #coversOf(length: number, device: MatmulDevice): readonly ReadonlyMap<string, RowsCover>[] {
    const tools = this.#tools;
    const graph = this.#graph;
    return graph.layers.map((layer) =>
      coverRows(layer, {
        graph,
        tiles: tools.fuseAttention,
        sharesValues: (channels) => splitsValues(tools, length, channels),
        joined: (nodes) => joinedProducts(tools, device, length, nodes),
        replaced: tools.replaced,
      }),
    );
  }

  async #captured(
    section: Section,
    options: StepOptions,
    body: (capture: CaptureRows) => Promise<void>,
  ): Promise<Captures> {
    const { context, recorder, log } = this.#tools;
    log.begin();
    const step = { sizes: this.#graph.sizes, section, nKeys: this.#nKeys, kernels: log };
    const capture = new CaptureRows(context, recorder, step, options.capture);
    try {
      await body(capture);
      recorder.submit();
      return await capture.finish(options.signal);
    } finally {
      capture.dispose();
    }
  }

  #stepState(plan: SectionPlan, chunk: Chunk, options: StepOptions, capture: CaptureRows): StepState {
    const { layer } = plan.section;
    const covers = (layer === undefined ? undefined : this.#covers[layer]) ?? new Map<string, never>();
    const beside = new SideBySide(plan.section, this.#shared);
    return { plan, covers, chunk, options, capture, beside, inputs: new Map(), chosen: new Map() };
  }

  /** Records a node of a chunk, and copies of what is captured of it. */
  async #node(node: Node, stepState: StepState): Promise<void> {
    const { capture, chunk, options } = stepState;
    const cover = stepState.covers.get(node.out.id);
    const attention = cover?.fusion === 'attention-tiled' ? cover : undefined;
    if (node === attention?.scores) await this.#scoreCaptures(attention, stepState);
    if (node === attention?.scores || node === attention?.softmax) return;
    const run = this.#runOf(node, stepState);
    const forced = choosesWeights(stepState.plan.section, node.out) ? options.forcedExperts : undefined;
    if (forced !== undefined) this.#writeExperts(rowsOf(forced, chunk, this.#width(node.out)), run.output);
    else if (attention !== undefined)
      await logged(this.#tools, 'prompt', attention.nodes, () => tiledAttention(run, attention));
    else if (cover?.fusion === 'side-by-side') await stepState.beside.compute(run, cover, capture.has(node.out.id));
    else await this.#compute(run, stepState);
    if (!capture.has(node.out.id)) return;
    const positions = stepState.positions ?? positionsOf({ first: run.firstPosition, rows: chunk.rows });
    capture.take(node.out, positions, run.output, run.outputRow);
  }

  async #compute(run: StageRun, stepState: StepState): Promise<void> {
    const { node } = run;
    const chooses = chosenBy(node);
    if (chooses !== undefined) {
      const chosen = stepState.chosen.get(chooses.id) ?? (await this.#chosen(chooses, run, stepState));
      stepState.chosen.set(chooses.id, chosen);
      await logged(this.#tools, 'prompt', [node], () => this.#kernels(node)({ ...run, ...chosen }));
      return;
    }
    await logged(this.#tools, 'prompt', [node], () => this.#kernels(node)(run));
  }

  async #chosen(value: Value, run: StageRun, { plan, chunk, options }: StepState): Promise<Chosen> {
    const width = this.#width(value);
    const indices = run.input(value.id);
    const { forcedExperts } = options;
    const forced = forcedExperts === undefined ? undefined : rowsOf(forcedExperts, chunk, width);
    return this.#experts.of(plan.section, value, { indices, rows: chunk.rows, width, forced, signal: options.signal });
  }

  /** Computes scores and probabilities of the captured rows alone, beside an attention that stores none. */
  async #scoreCaptures({ scores, softmax }: TiledAttention, stepState: StepState): Promise<void> {
    const { recorder } = this.#tools;
    const { capture, chunk } = stepState;
    const first = this.#nPast + chunk.first;
    const wanted = union([scores, softmax].map(({ out }) => capture.positions(out.id)));
    const here = wanted.filter((position) => position >= first && position < first + chunk.rows);
    if (here.length === 0) return;
    for (const part of positionRuns(here, Math.min(chunk.rows, scoreRows(this.#tools, this.#nKeys)))) {
      const rows = { index: chunk.index, first: part.first - this.#nPast, rows: part.rows };
      const inputs = new Map<string, BufferRange>();
      for (const value of scores.inputs) {
        const bytes = 4 * this.#width(value);
        const some = this.#shared.get(`${value.id} of some rows`, part.rows * this.#width(value));
        const { buffer, offset = 0 } = this.#place(value, stepState);
        recorder.copy(buffer, offset + (part.first - first) * bytes, some.buffer, 0, part.rows * bytes);
        inputs.set(value.id, some);
      }
      for (const node of [scores, softmax]) {
        const run = this.#runOf(node, { ...stepState, chunk: rows, inputs });
        await logged(this.#tools, 'prompt', [node], () => this.#kernels(node)(run));
        capture.take(node.out, positionsOf({ first: run.firstPosition, rows: part.rows }), run.output);
      }
    }
  }

  #runOf(node: Node, stepState: StepState): StageRun {
    const { plan, chunk, options, capture, beside, inputs } = stepState;
    const { section } = plan;
    // What is kept of the latest positions alone is copied there once its readers are done.
    const writes = node.writes?.reach === undefined ? node.writes : undefined;
    const state = (slot: StateSlot): BufferRange => {
      if (section.layer === undefined) throw new RangeError(`${node.out.id} keeps state outside of a layer`);
      if (slot.reach === undefined) return { buffer: this.#cache.slot(section.layer, slot.name) };
      return { buffer: this.#tails.before(section.layer, slot, this.#nPast + chunk.first) };
    };
    const input = (id: string): ValueRange => {
      const value = node.inputs.find((one) => one.id === id) ?? section.nodes.find(({ out }) => out.id === id)?.out;
      if (value === undefined) throw new RangeError(`${node.out.id} reads ${id}, which nothing makes`);
      const columns = READS_COLUMNS.has(node.op) ? beside.find(id) : undefined;
      return inputs.get(id) ?? columns ?? this.#place(value, stepState);
    };
    return {
      tools: this.#tools,
      section,
      node,
      layer: section.layer,
      stepTokens: this.#tokens.length,
      rows: chunk.rows,
      firstPosition: this.#nPast + chunk.first,
      nKeys: this.#nKeys,
      futureKeys: capture.has(node.out.id),
      input,
      state,
      tokens: () => this.#tokens.subarray(chunk.first, chunk.first + chunk.rows),
      experts: () => new Uint32Array(0),
      output: writes === undefined ? this.#place(node.out, stepState) : state(writes),
      outputRow: writes === undefined ? 0 : this.#nPast + chunk.first,
      signal: options.signal,
    };
  }

  /** Keeps what the next chunk or step goes on from. */
  #append(nodes: readonly Node[], stepState: StepState): void {
    const { plan, chunk } = stepState;
    for (const { out, writes } of nodes) {
      if (writes?.reach === undefined || plan.section.layer === undefined) continue;
      const first = this.#nPast + chunk.first;
      this.#tails.append(plan.section.layer, writes, first, this.#place(out, stepState), chunk.rows);
    }
  }

  /** Where the rows of a chunk lie of a value that is not kept as state. */
  #place(value: Value, { plan, chunk, positions }: StepState): BufferRange {
    const { section, outliving, readsInputLast } = plan;
    const hasStream = section !== this.#graph.head;
    if (value.id === LAYER_INPUT && hasStream) return this.#residual(chunk, this.#side);
    if (value.id === section.output.id && hasStream)
      return this.#residual(chunk, readsInputLast ? 1 - this.#side : this.#side);
    const words = chunk.rows * this.#width(value);
    if (positions === undefined && outliving.has(value.id)) return this.#own(chunk).get(value.id, words);
    return this.#shared.get(value.id, words);
  }

  #residual(chunk: Chunk, side: number): BufferRange {
    const name = side === 0 ? 'residual' : 'residual, other side';
    return this.#own(chunk).get(name, chunk.rows * sizeOf(this.#graph.sizes, 'nEmbd'));
  }

  /** Buffers of this chunk alone. */
  #own(chunk: Chunk): ValueBuffers {
    return (this.#ofChunk[chunk.index] ??= new ValueBuffers(this.#tools.context, `chunk ${chunk.index}`));
  }

  #width(value: Value): number {
    return rowLength(value, this.#graph.sizes, this.#nKeys);
  }

  #writeExperts(experts: Uint32Array<ArrayBuffer>, output: BufferRange): void {
    const { context, recorder } = this.#tools;
    // The write goes ahead of what is recorded: whatever still reads the buffer has to be submitted first.
    recorder.submit();
    context.device.queue.writeBuffer(output.buffer, output.offset ?? 0, experts);
  }

  /** Copies rows of the residual stream to where the head reads it. */
  #gatherRows(positions: readonly number[]): void {
    const { recorder } = this.#tools;
    const width = sizeOf(this.#graph.sizes, 'nEmbd');
    const target = this.#shared.get(LAYER_INPUT, positions.length * width);
    let row = 0;
    for (const { first, rows } of positionRuns(positions, Infinity)) {
      const from = first - this.#nPast;
      for (const chunk of this.#chunks) {
        const start = Math.max(from, chunk.first);
        const end = Math.min(from + rows, chunk.first + chunk.rows);
        if (start >= end) continue;
        const { buffer } = this.#residual(chunk, this.#side);
        const [at, to] = [start - chunk.first, row].map((r) => 4 * r * width);
        recorder.copy(buffer, at ?? 0, target.buffer, to ?? 0, 4 * (end - start) * width);
        row += end - start;
      }
    }
  }

  /** What the next layer needs in any case is read while this one computes. */
  #prefetch(layer: number): void {
    const { bound, cache, context } = this.#tools;
    const section = this.#graph.layers[layer];
    if (section === undefined || cache.resident !== undefined) return;
    const most = Math.min(context.maxBindingBytes, cache.batchBytes);
    const weights = fixedWeights(section).map((slot) => bound.weight(slot));
    cache.prefetch(
      weights.flatMap((weight) => {
        if (isVector(weight.tensor)) return [vectorPart(weight)];
        if (weight.nExpert === 1) return matrixParts(weight, most);
        return Array.from({ length: weight.nExpert }, (_, head) => headPart(weight, head));
      }),
    );
  }
}

/** What is the same for all nodes of a chunk's turn. */
interface StepState {
  readonly plan: SectionPlan;
  /** By id of a value: the fusion that computes it. */
  readonly covers: ReadonlyMap<string, RowsCover>;
  readonly chunk: Chunk;
  readonly options: StepOptions;
  readonly capture: CaptureRows;
  readonly beside: SideBySide;
  /** By the value that chooses. */
  readonly chosen: Map<string, Chosen>;
  /** Inputs that lie elsewhere: of rows that are not a whole chunk. */
  readonly inputs: ReadonlyMap<string, BufferRange>;
  /** Positions of the rows where they are not neighbours. */
  readonly positions?: readonly number[];
}

/** The rows of a chunk among those of a step. */
function rowsOf(values: Uint32Array<ArrayBuffer>, { first, rows }: Chunk, width: number): Uint32Array<ArrayBuffer> {
  return values.slice(first * width, (first + rows) * width);
}

/** Words of a position of a layer's state. @throws RangeError where no node appends to it */
export function stateWidth(graph: ModelGraph, layer: number, slot: string): number {
  const found = graph.layers[layer]?.nodes.find(({ writes }) => writes?.name === slot)?.writes;
  if (found === undefined) throw new RangeError(`layer ${layer} keeps no ${slot}`);
  return rowLength(found.value, graph.sizes, 1);
}
