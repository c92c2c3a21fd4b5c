import {
  LAYER_INPUT,
  rowLength,
  type ModelGraph,
  type Node,
  type Section,
  type StateSlot,
  type Value,
} from '../../arch/graph';
import { fail } from '../../base/errors';
import { checkCapture } from '../../model/check-step';
import type { ReferenceStep, StepOptions, Capture } from '../../model/engine';
import type { StageId } from '../../model/stages';
import type { BufferRange } from '../recorder';
import { CaptureRows } from './capture-rows';
import { layerChunkRows, sectionChunkRows } from './chunks';
import { stateWidth } from './free-run';
import { KvCache } from './kv-cache';
import type { KernelOf } from './op-kernels';
import { positionRuns, positionsOf, union, type PositionRun } from './positions';
import { logged, type StageRun, type Tools } from './stage-run';
import { ValueBuffers } from './value-buffers';

/** Token ids of positions, known from the step that is compared. */
export type TokensAt = (first: number, rows: number) => Uint32Array<ArrayBuffer>;

/** The positions of one reference step. */
interface Step {
  readonly nPast: number;
  readonly nTokens: number;
  readonly nKeys: number;
}

/** What is the same for all nodes of some rows. */
interface StepState {
  readonly section: Section;
  readonly rows: PositionRun;
  readonly step: Step;
  readonly reference: ReferenceStep;
  readonly inputs: ReadonlyMap<string, BufferRange>;
  readonly capture: CaptureRows;
  readonly options: StepOptions;
  readonly tokensAt: TokensAt;
}

/**
 * Runs nodes one by one, each fed with what the reference captured for its inputs, through the same kernels as the free run. Only the rows
 * that are captured are computed.
 */
export class IsolatedRun {
  readonly #tools: Tools;
  readonly #graph: ModelGraph;
  readonly #kernels: KernelOf;
  readonly #inputs: ValueBuffers;
  readonly #outputs: ValueBuffers;
  /** The reference's keys and values, kept so that a continued prompt finds its past. */
  readonly #cache: KvCache;
  /** Positions that the cache holds, by layer and slot. */
  readonly #kept = new Map<string, number>();
  /** The reference's latest rows of a state of which no more is read, by layer and slot. */
  readonly #tails = new Map<string, ReadonlyMap<number, Uint32Array<ArrayBuffer>>>();

  constructor(tools: Tools, kernels: KernelOf) {
    const { context, recorder, bound } = tools;
    this.#tools = tools;
    this.#graph = bound.graph;
    this.#kernels = kernels;
    this.#inputs = new ValueBuffers(context, 'reference');
    this.#outputs = new ValueBuffers(context, 'isolated');
    this.#cache = new KvCache(context, recorder, (layer, slot) => stateWidth(this.#graph, layer, slot));
  }

  /** @throws TracerError `internal` when the reference lacks an input of a captured stage. */
  async isolate(
    layer: number | undefined,
    reference: ReferenceStep,
    options: StepOptions,
    tokensAt: TokensAt,
  ): Promise<ReadonlyMap<StageId, Capture>> {
    const { embed, head, layers } = this.#graph;
    const sections = layer === undefined ? [embed, head] : layers.slice(layer, layer + 1);
    const captures = new Map<StageId, Capture>();
    for (const section of sections) {
      for (const [stage, captured] of await this.#section(section, reference, options, tokensAt))
        captures.set(stage, captured);
    }
    return captures;
  }

  async #section(
    section: Section,
    reference: ReferenceStep,
    options: StepOptions,
    tokensAt: TokensAt,
  ): Promise<ReadonlyMap<StageId, Capture>> {
    const { context, recorder, log } = this.#tools;
    const request: ReadonlyMap<string, readonly number[]> = options.capture;
    const nodes = section.nodes.filter(({ out }) => (request.get(out.id) ?? []).length > 0);
    if (nodes.length === 0) return new Map();
    const step = stepOf(reference);
    checkCapture(options.capture, step.nPast, step.nTokens);
    const { sizes } = this.#graph;
    log.begin();
    const of = { sizes, section, nKeys: step.nKeys, kernels: log };
    const capture = new CaptureRows(context, recorder, of, options.capture);
    try {
      this.#keep(section, nodes, reference, step);
      const isLayer = section.layer !== undefined;
      const atMost = isLayer ? layerChunkRows(this.#tools, step.nKeys, true) : sectionChunkRows(this.#tools, section);
      const wanted = union(nodes.map(({ out }) => capture.positions(out.id)));
      for (const rows of positionRuns(wanted, atMost)) {
        // Inputs are written ahead of what is recorded: the rows before must be on the queue.
        recorder.submit();
        const inputs = this.#upload(section, reference, nodes, rows, step);
        const stepState: StepState = { section, rows, step, reference, inputs, capture, options, tokensAt };
        for (const node of nodes) await this.#node(node, stepState);
      }
      recorder.submit();
      this.#leave(section, reference);
      return await capture.finish(options.signal);
    } finally {
      capture.dispose();
    }
  }

  /** Keeps the reference's latest rows for the step after this one. */
  #leave({ layer, nodes }: Section, { captures }: ReferenceStep): void {
    const own: ReadonlyMap<string, Capture> = captures;
    for (const slot of nodes.flatMap(({ writes }) => writes ?? [])) {
      const captured = own.get(slot.value.id);
      const end = (captured?.positions.at(-1) ?? -1) + 1;
      const { reach } = slot;
      if (reach === undefined || captured === undefined) continue;
      const kept = new Map(this.#tails.get(`${layer} ${slot.name}`) ?? []);
      for (const position of captured.positions.slice(-reach))
        kept.set(position, rowAt(captured, position)?.slice() ?? missing(slot.name));
      const latest = [...kept].filter(([position]) => position >= end - reach && position < end);
      this.#tails.set(`${layer} ${slot.name}`, new Map(latest));
    }
  }

  dispose(): void {
    this.#inputs.dispose();
    this.#outputs.dispose();
    this.#cache.dispose();
    this.#kept.clear();
    this.#tails.clear();
  }

  async #node(node: Node, stepState: StepState): Promise<void> {
    const { section, rows, step, reference, inputs, capture, options, tokensAt } = stepState;
    const { first, rows: count } = rows;
    if (!capture.positions(node.out.id).some((p) => p >= first && p < first + count)) return;
    const output = this.#outputs.get(node.out.id, count * this.#width(node.out, step));
    const run: StageRun = {
      tools: this.#tools,
      section,
      node,
      layer: section.layer,
      stepTokens: step.nTokens,
      rows: count,
      firstPosition: first,
      nKeys: step.nKeys,
      futureKeys: true,
      fed: true,
      input: (name) => inputs.get(name) ?? missing(name),
      state: (slot) =>
        slot.reach === undefined
          ? { buffer: this.#cache.slot(section.layer ?? 0, slot.name) }
          : (inputs.get(`${slot.name} before`) ?? missing(slot.name)),
      tokens: () => tokensAt(first, count),
      experts: () => {
        const chosen = node.inputs.find(({ kind }) => kind === 'index');
        return chosen === undefined ? new Uint32Array(0) : this.#rowsOf(reference, chosen, rows, step);
      },
      output,
      outputRow: 0,
      signal: options.signal,
    };
    await logged(this.#tools, 'isolated', [node], () => this.#kernels(node)(run));
    capture.take(node.out, positionsOf(rows), output);
  }

  /** The reference's rows of every input that the nodes read, on the GPU. */
  #upload(
    section: Section,
    reference: ReferenceStep,
    nodes: readonly Node[],
    rows: PositionRun,
    step: Step,
  ): ReadonlyMap<string, BufferRange> {
    const { queue } = this.#tools.context.device;
    const ranges = new Map<string, BufferRange>();
    for (const value of nodes.flatMap(({ inputs }) => inputs)) {
      if (ranges.has(value.id)) continue;
      const range = this.#inputs.get(value.id, rows.rows * this.#width(value, step));
      queue.writeBuffer(range.buffer, 0, this.#rowsOf(reference, value, rows, step));
      ranges.set(value.id, range);
    }
    for (const slot of nodes.flatMap(({ reads }) => reads)) {
      if (slot.reach === undefined) continue;
      const each = slot.value.recurrent === true ? rows.rows : 1;
      const words = this.#before(section, slot, reference, { first: rows.first, rows: each }, step);
      const range = this.#inputs.get(`${slot.name} before`, words.length);
      queue.writeBuffer(range.buffer, 0, words);
      ranges.set(`${slot.name} before`, range);
    }
    return ranges;
  }

  /** The reference's rows that readers of a state look back to, zeros before the first: before one position, or before each of a recurrence. */
  #before(
    { layer }: Section,
    { name, value, reach = 0 }: StateSlot,
    { captures }: ReferenceStep,
    { first, rows }: PositionRun,
    step: Step,
  ): Uint32Array<ArrayBuffer> {
    const width = this.#width(value, step);
    const words = new Uint32Array((reach + rows - 1) * width);
    const own: ReadonlyMap<string, Capture> = captures;
    for (let at = Math.max(0, reach - first); at < reach + rows - 1; at++) {
      const position = first - reach + at;
      const row =
        position < step.nPast ? this.#tails.get(`${layer} ${name}`)?.get(position) : rowAt(own.get(value.id), position);
      words.set(row ?? missing(value.id), at * width);
    }
    return words;
  }

  /** Rows of a reference capture, as words. */
  #rowsOf(reference: ReferenceStep, value: Value, rows: PositionRun, step: Step): Uint32Array<ArrayBuffer> {
    const captures: ReadonlyMap<string, Capture> = reference.captures;
    const captured = value.id === LAYER_INPUT ? reference.layerInput : captures.get(value.id);
    const first = captured?.positions.indexOf(rows.first) ?? -1;
    // Positions ascend: the last one in its place means that all are there.
    if (captured === undefined || first < 0 || captured.positions[first + rows.rows - 1] !== rows.first + rows.rows - 1)
      return missing(value.id);
    const words = wordsOf(captured);
    const width = this.#width(value, step);
    return words.slice(first * width, (first + rows.rows) * width);
  }

  /** Puts what the step's reference appends to state where the nodes read it. */
  #keep({ layer }: Section, nodes: readonly Node[], reference: ReferenceStep, step: Step): void {
    if (layer === undefined) return;
    const read = nodes.flatMap(({ reads }) => reads);
    const slots = new Map(
      read.flatMap(({ name, value, reach }) => (reach === undefined ? [[name, value] as const] : [])),
    );
    if (slots.size === 0) return;
    for (const name of slots.keys()) {
      const kept = this.#kept.get(`${layer} ${name}`) ?? 0;
      if (step.nPast <= kept) continue;
      throw fail(
        'internal',
        `Layer ${layer} was isolated for ${kept} positions; the step continues at ${step.nPast}.`,
        'Isolate the attention of every step from the first on.',
      );
    }
    this.#cache.reserve(step.nKeys);
    const { queue } = this.#tools.context.device;
    const all = { first: step.nPast, rows: step.nTokens };
    for (const [name, value] of slots) {
      const offset = 4 * step.nPast * this.#width(value, step);
      queue.writeBuffer(this.#cache.slot(layer, name), offset, this.#rowsOf(reference, value, all, step));
      this.#kept.set(`${layer} ${name}`, step.nKeys);
    }
  }

  #width(value: Value, { nKeys }: Step): number {
    return rowLength(value, this.#graph.sizes, nKeys);
  }
}

/** A reference step's positions: those of its longest capture, since inputs hold all of them. */
function stepOf({ captures, layerInput }: ReferenceStep): Step {
  let longest = layerInput?.positions ?? [];
  for (const captured of captures.values())
    if (captured.positions.length > longest.length) longest = captured.positions;
  const nPast = longest[0];
  if (nPast === undefined) return missing('layer_input');
  return { nPast, nTokens: longest.length, nKeys: nPast + longest.length };
}

/** The bits of a capture at one position. */
function rowAt(captured: Capture | undefined, position: number): Uint32Array | undefined {
  const row = captured?.positions.indexOf(position) ?? -1;
  if (captured === undefined || row < 0) return undefined;
  const width = captured.data.length / captured.positions.length;
  return wordsOf(captured).subarray(row * width, (row + 1) * width);
}

/** The bits of a capture. */
function wordsOf({ data }: Capture): Uint32Array {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

function missing(name: string): never {
  throw fail(
    'internal',
    `The reference has no ${name} at all positions, which an isolated stage reads.`,
    'CaptureRows the inputs of every isolated stage on the reference, at all positions.',
    { stage: name },
  );
}
