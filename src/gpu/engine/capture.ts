import type { CaptureRequest, Tap } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import { stageSpec, type ActiveStageId, type StageId } from '../../model/stages';
import type { GpuContext } from '../device';
import type { BufferRange, Recorder } from '../recorder';
import { rowLength, stageShape } from './stage-sizes';

/** Bytes of one staging buffer; a tap may spread over several. */
const STAGING_BYTES = 64 * 2 ** 20;

interface Piece {
  readonly staging: GPUBuffer;
  readonly stagingOffset: number;
  /** Where it goes, in the words of its tap. */
  readonly stage: StageId;
  readonly at: number;
  readonly length: number;
}

/**
 * Gathers the captured rows of a step: each stage's rows are copied to staging buffers right after they are computed, and all is
 * mapped once, at the end of the step. A stage that is not captured costs nothing.
 */
export class Capture {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #hparams: HParams;
  readonly #request: CaptureRequest;
  readonly #layer: number | undefined;
  readonly #nKeys: number;
  readonly #pieces: Piece[] = [];
  readonly #stagings: { readonly buffer: GPUBuffer; used: number }[] = [];
  readonly #taken = new Map<ActiveStageId, number>();
  /** Bytes still to come: what the next staging buffer needs to hold at most. */
  #expected = 0;

  constructor(
    context: GpuContext,
    recorder: Recorder,
    step: {
      readonly hparams: HParams;
      readonly layer: number | undefined;
      readonly nKeys: number;
      readonly stages: readonly ActiveStageId[];
    },
    request: CaptureRequest,
  ) {
    this.#context = context;
    this.#recorder = recorder;
    this.#hparams = step.hparams;
    this.#layer = step.layer;
    this.#nKeys = step.nKeys;
    this.#request = request;
    for (const stage of step.stages) {
      this.#expected += 4 * this.positions(stage).length * rowLength(stage, step.hparams, step.nKeys);
    }
  }

  positions(stage: StageId): readonly number[] {
    return this.#request.get(stage) ?? [];
  }

  has(stage: StageId): boolean {
    return this.positions(stage).length > 0;
  }

  /**
   * Records copies of the captured ones among `rows` rows of a stage.
   * @param rowPositions the position of each row, ascending
   * @param firstRow row of `source` that holds the first of them
   */
  take(stage: ActiveStageId, rowPositions: readonly number[], source: BufferRange, firstRow = 0): void {
    const wanted = this.positions(stage);
    if (wanted.length === 0) return;
    const width = rowLength(stage, this.#hparams, this.#nKeys);
    const places = new Map(wanted.map((position, i) => [position, i]));
    let run: { row: number; place: number; rows: number } | undefined;
    const flush = (): void => {
      if (run === undefined) return;
      const offset = (source.offset ?? 0) + 4 * (firstRow + run.row) * width;
      this.#copy(stage, source.buffer, offset, run.place * width, run.rows * width);
      this.#taken.set(stage, (this.#taken.get(stage) ?? 0) + run.rows);
    };
    for (const [row, position] of rowPositions.entries()) {
      const place = places.get(position);
      if (place === undefined) continue;
      if (run !== undefined && run.row + run.rows === row && run.place + run.rows === place) run.rows++;
      else {
        flush();
        run = { row, place, rows: 1 };
      }
    }
    flush();
  }

  /** Maps what was copied. Everything recorded must have been submitted. When nothing was copied, waits for nothing. */
  async finish(): Promise<ReadonlyMap<StageId, Tap>> {
    const words = new Map<StageId, Uint32Array<ArrayBuffer>>();
    for (const stage of this.#taken.keys()) {
      const width = rowLength(stage, this.#hparams, this.#nKeys);
      words.set(stage, new Uint32Array(this.positions(stage).length * width));
    }
    await Promise.all(this.#stagings.map(({ buffer }) => buffer.mapAsync(GPUMapMode.READ)));
    const mapped = new Map(this.#stagings.map(({ buffer }) => [buffer, new Uint32Array(buffer.getMappedRange())]));
    for (const { staging, stagingOffset, stage, at, length } of this.#pieces) {
      const first = stagingOffset / 4;
      words.get(stage)?.set(mapped.get(staging)?.subarray(first, first + length) ?? [], at);
    }
    this.dispose();
    return new Map([...words].map(([stage, data]) => [stage, this.#tap(stage, data)]));
  }

  dispose(): void {
    for (const { buffer } of this.#stagings) this.#context.release(buffer);
    this.#stagings.length = 0;
  }

  #tap(stage: StageId, data: Uint32Array<ArrayBuffer>): Tap {
    const positions = this.positions(stage);
    const shape = stageShape(stage, this.#hparams, positions.length, this.#nKeys);
    const values = stageSpec(stage).values === 'index' ? data : new Float32Array(data.buffer);
    return { stage, layer: this.#layer, positions, shape, data: values };
  }

  /** Copies `length` words, over as many staging buffers as it takes. */
  #copy(stage: StageId, source: GPUBuffer, sourceOffset: number, at: number, length: number): void {
    let done = 0;
    while (done < length) {
      const staging = this.#staging();
      const words = Math.min(length - done, (staging.buffer.size - staging.used) / 4);
      this.#recorder.copy(source, sourceOffset + 4 * done, staging.buffer, staging.used, 4 * words);
      this.#pieces.push({ staging: staging.buffer, stagingOffset: staging.used, stage, at: at + done, length: words });
      staging.used += 4 * words;
      this.#expected -= 4 * words;
      done += words;
    }
  }

  /** A staging buffer with room for one word at least. */
  #staging(): { readonly buffer: GPUBuffer; used: number } {
    const last = this.#stagings.at(-1);
    if (last !== undefined && last.used < last.buffer.size) return last;
    const size = Math.max(4, Math.min(this.#expected, STAGING_BYTES));
    const buffer = this.#context.allocate('staging', size, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
    const staging = { buffer, used: 0 };
    this.#stagings.push(staging);
    return staging;
  }
}
