import { fail } from '../../base/errors';
import type { ReferenceStep, StepOptions, Tap } from '../../model/engine';
import { LAYER_STAGES, MODEL_STAGES, type ActiveStageId, type StageId } from '../../model/stages';
import type { BufferRange } from '../recorder';
import { Capture } from './capture';
import { checkCapture } from '../../model/check-step';
import { headChunkRows, layerChunkRows } from './chunks';
import { KvCache } from './kv-cache';
import { positionRuns, positionsOf, union, type PositionRun } from './positions';
import { StageBuffers } from './stage-buffers';
import type { StageKernels } from './stage-kernels';
import type { StageRun, Tools } from './stage-run';
import { rowLength, stageInputs, type StageInput } from './stage-sizes';

/** Token ids of positions, known from the step that is compared. */
export type TokensAt = (first: number, rows: number) => Uint32Array<ArrayBuffer>;

/** The positions of one reference step. */
interface Step {
  readonly nPast: number;
  readonly nTokens: number;
  readonly nKeys: number;
}

/**
 * Runs stages one by one, each fed with what the reference captured for its inputs, through the same kernels as the free run. Only the
 * rows that are captured are computed.
 */
export class IsolatedRun {
  readonly #tools: Tools;
  readonly #kernels: StageKernels;
  readonly #inputs: StageBuffers;
  readonly #outputs: StageBuffers;
  /** The reference's keys and values, kept so that a continued prompt finds its past. */
  readonly #cache: KvCache;
  /** Positions of each layer that the cache holds. */
  readonly #kept = new Map<number, number>();

  constructor(tools: Tools, kernels: StageKernels) {
    this.#tools = tools;
    this.#kernels = kernels;
    this.#inputs = new StageBuffers(tools.context, tools.hparams, 'reference');
    this.#outputs = new StageBuffers(tools.context, tools.hparams, 'isolated');
    this.#cache = new KvCache(tools.context, tools.recorder, tools.hparams.kvDim);
  }

  /** @throws TracerError `internal` when the reference lacks an input of a captured stage. */
  async isolate(
    layer: number | undefined,
    reference: ReferenceStep,
    options: StepOptions,
    tokensAt: TokensAt,
  ): Promise<ReadonlyMap<StageId, Tap>> {
    const { context, recorder, hparams } = this.#tools;
    const scope: readonly ActiveStageId[] = layer === undefined ? MODEL_STAGES : LAYER_STAGES;
    const stages = scope.filter((stage) => (options.capture.get(stage) ?? []).length > 0);
    if (stages.length === 0) return new Map();
    const step = stepOf(reference);
    checkCapture(options.capture, step.nPast, step.nTokens);
    const capture = new Capture(context, recorder, { hparams, layer, nKeys: step.nKeys, stages }, options.capture);
    try {
      if (layer !== undefined) this.#keep(layer, reference, step, stages);
      const atMost = layer === undefined ? headChunkRows(this.#tools) : layerChunkRows(this.#tools, step.nKeys, true);
      const wanted = union(stages.map((stage) => capture.positions(stage)));
      for (const run of positionRuns(wanted, atMost)) {
        // Inputs are written ahead of what is recorded: the run before must be on the queue.
        recorder.submit();
        const inputs = this.#upload(reference, stages, run, step);
        for (const stage of stages) {
          await this.#stage(stage, layer, run, { step, reference, inputs, capture, options, tokensAt });
        }
      }
      recorder.submit();
      return await capture.finish();
    } finally {
      capture.dispose();
    }
  }

  dispose(): void {
    this.#inputs.dispose();
    this.#outputs.dispose();
    this.#cache.dispose();
    this.#kept.clear();
  }

  async #stage(
    stage: ActiveStageId,
    layer: number | undefined,
    rows: PositionRun,
    turn: {
      readonly step: Step;
      readonly reference: ReferenceStep;
      readonly inputs: ReadonlyMap<StageInput, BufferRange>;
      readonly capture: Capture;
      readonly options: StepOptions;
      readonly tokensAt: TokensAt;
    },
  ): Promise<void> {
    const { step, reference, inputs, capture, options, tokensAt } = turn;
    if (!capture.positions(stage).some((p) => p >= rows.first && p < rows.first + rows.rows)) return;
    const output = this.#outputs.get(stage, rows.rows, step.nKeys);
    const kept = (part: 'keys' | 'values'): BufferRange => ({ buffer: this.#cache.layer(layer ?? 0)[part] });
    const run: StageRun = {
      tools: this.#tools,
      layer,
      stepTokens: step.nTokens,
      rows: rows.rows,
      firstPosition: rows.first,
      nKeys: step.nKeys,
      futureKeys: true,
      input: (name) => inputs.get(name) ?? missing(name),
      keys: () => kept('keys'),
      values: () => kept('values'),
      tokens: () => tokensAt(rows.first, rows.rows),
      experts: () => this.#rowsOf(reference, 'moe_router_indices', rows, step),
      output,
      outputRow: 0,
      signal: options.signal,
    };
    await this.#kernels[stage](run);
    capture.take(stage, positionsOf(rows), output);
  }

  /** The reference's rows of every input that the stages read, on the GPU. */
  #upload(
    reference: ReferenceStep,
    stages: readonly ActiveStageId[],
    rows: PositionRun,
    step: Step,
  ): ReadonlyMap<StageInput, BufferRange> {
    const { queue } = this.#tools.context.device;
    const names = new Set<StageInput>(stages.flatMap((stage) => [...stageInputs(stage)]));
    const ranges = new Map<StageInput, BufferRange>();
    for (const name of names) {
      const range = this.#inputs.get(name, rows.rows, step.nKeys);
      queue.writeBuffer(range.buffer, 0, this.#rowsOf(reference, name, rows, step));
      ranges.set(name, range);
    }
    return ranges;
  }

  /** Rows of a reference tap as words. */
  #rowsOf(reference: ReferenceStep, name: StageInput, rows: PositionRun, step: Step): Uint32Array<ArrayBuffer> {
    const tap = name === 'layer_input' ? reference.layerInput : reference.taps.get(name);
    if (tap?.positions.length !== step.nTokens) return missing(name);
    const words = new Uint32Array(tap.data.buffer, tap.data.byteOffset, tap.data.length);
    const first = rows.first - step.nPast;
    const width = rowLength(name, this.#tools.hparams, step.nKeys);
    return words.slice(first * width, (first + rows.rows) * width);
  }

  /** Puts the step's reference keys and values where the attention kernels read them. */
  #keep(layer: number, reference: ReferenceStep, step: Step, stages: readonly ActiveStageId[]): void {
    const scores = stages.includes('attn_scores');
    const values = stages.includes('attention');
    if (!scores && !values) return;
    const { context, hparams } = this.#tools;
    const { kvDim } = hparams;
    if (step.nPast > (this.#kept.get(layer) ?? 0)) {
      throw fail(
        'internal',
        `Layer ${layer} was isolated for ${this.#kept.get(layer) ?? 0} positions; the step continues at ${step.nPast}.`,
        'Isolate the attention of every step from the first on.',
      );
    }
    this.#cache.reserve(step.nKeys);
    const target = this.#cache.layer(layer);
    const { queue } = context.device;
    const all = { first: step.nPast, rows: step.nTokens };
    const offset = 4 * step.nPast * kvDim;
    if (scores) queue.writeBuffer(target.keys, offset, this.#rowsOf(reference, 'k_post_rope', all, step));
    if (values) queue.writeBuffer(target.values, offset, this.#rowsOf(reference, 'v_proj', all, step));
    this.#kept.set(layer, scores && values ? step.nKeys : 0);
  }
}

/** A reference step's positions: those of its longest tap, since inputs hold all of them. */
function stepOf({ taps, layerInput }: ReferenceStep): Step {
  let longest = layerInput?.positions ?? [];
  for (const tap of taps.values()) if (tap.positions.length > longest.length) longest = tap.positions;
  const nPast = longest[0];
  if (nPast === undefined) return missing('layer_input');
  return { nPast, nTokens: longest.length, nKeys: nPast + longest.length };
}

function missing(name: StageInput): never {
  throw fail(
    'internal',
    `The reference has no ${name} at all positions, which an isolated stage reads.`,
    'Capture the inputs of every isolated stage on the reference, at all positions.',
    { stage: name },
  );
}
