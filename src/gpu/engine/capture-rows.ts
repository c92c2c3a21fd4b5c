import { orCancelled } from '../../base/abort';
import { sharedBytes } from '../../base/shared-memory';
import type { CaptureRequest, Capture } from '../../model/engine';
import type { StageId } from '../../model/stages';
import { rowLength, shapeOf, type Section, type Sizes, type Value } from '../../arch/graph';
import type { GpuContext } from '../device';
import type { BufferRange, Recorder } from '../recorder';

/** Bytes of one staging buffer; a capture may spread over several. Few enough that allocating one holds nobody up. */
const STAGING_BYTES = 16 * 2 ** 20;

/** Which kernels made a stage of the section. */
interface KernelNames {
  of(stage: string): string | undefined;
}

interface Piece {
  readonly staging: GPUBuffer;
  readonly stagingOffset: number;
  /** Where it goes, in the words of its value. */
  readonly value: string;
  readonly at: number;
  readonly length: number;
}

/**
 * Gathers the captured rows of a step: each stage's rows are copied to staging buffers right after they are computed, and all is
 * mapped once, at the end of the step. A stage that is not captured costs nothing.
 */
export class CaptureRows {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #sizes: Sizes;
  readonly #request: ReadonlyMap<string, readonly number[]>;
  readonly #section: Section;
  readonly #nKeys: number;
  readonly #kernels: KernelNames | undefined;
  readonly #pieces: Piece[] = [];
  readonly #stagings: { readonly buffer: GPUBuffer; used: number }[] = [];
  readonly #taken = new Map<string, Value>();
  readonly #places = new Map<string, ReadonlyMap<number, number>>();
  /** Bytes still to come: what the next staging buffer needs to hold at most. */
  #expected = 0;

  constructor(
    context: GpuContext,
    recorder: Recorder,
    step: {
      readonly sizes: Sizes;
      readonly section: Section;
      readonly nKeys: number;
      readonly kernels?: KernelNames;
    },
    request: CaptureRequest,
  ) {
    this.#context = context;
    this.#recorder = recorder;
    this.#sizes = step.sizes;
    this.#section = step.section;
    this.#nKeys = step.nKeys;
    this.#kernels = step.kernels;
    this.#request = request;
    if (request.size === 0) return;
    for (const { out } of step.section.nodes) this.#expected += 4 * this.positions(out.id).length * this.#width(out);
  }

  positions(id: string): readonly number[] {
    return this.#request.get(id) ?? [];
  }

  has(id: string): boolean {
    return this.positions(id).length > 0;
  }

  /**
   * Records copies of the captured ones among `rows` rows of a stage.
   * @param rowPositions the position of each row, ascending
   * @param firstRow row of `source` that holds the first of them
   */
  take(value: Value, rowPositions: readonly number[], source: BufferRange, firstRow = 0): void {
    const wanted = this.positions(value.id);
    if (wanted.length === 0) return;
    const width = this.#width(value);
    const places = this.#placesOf(value.id, wanted);
    let run: { row: number; place: number; rows: number } | undefined;
    const flush = (): void => {
      if (run === undefined) return;
      const offset = (source.offset ?? 0) + 4 * (firstRow + run.row) * width;
      this.#copy(value.id, source.buffer, offset, run.place * width, run.rows * width);
      this.#taken.set(value.id, value);
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

  /**
   * Maps what was copied. Everything recorded must have been submitted. When nothing was copied, waits for nothing.
   * @throws TracerError `run-cancelled`, without waiting for the GPU
   */
  async finish(signal: AbortSignal | undefined): Promise<ReadonlyMap<StageId, Capture>> {
    const words = new Map<string, Uint32Array>();
    for (const value of this.#taken.values()) {
      words.set(value.id, new Uint32Array(sharedBytes(4 * this.positions(value.id).length * this.#width(value))));
    }
    const maps = this.#stagings.map(({ buffer }) => buffer.mapAsync(GPUMapMode.READ));
    await orCancelled(Promise.all(maps), signal);
    const mapped = new Map(this.#stagings.map(({ buffer }) => [buffer, new Uint32Array(buffer.getMappedRange())]));
    for (const { staging, stagingOffset, value, at, length } of this.#pieces) {
      const first = stagingOffset / 4;
      words.get(value)?.set(mapped.get(staging)?.subarray(first, first + length) ?? [], at);
    }
    this.dispose();
    const captures = [...this.#taken.values()].map((value) =>
      this.#captured(value, words.get(value.id) ?? new Uint32Array(0)),
    );
    return new Map(captures.map((captured) => [captured.stage, captured]));
  }

  dispose(): void {
    for (const { buffer } of this.#stagings) this.#context.release(buffer);
    this.#stagings.length = 0;
  }

  /** Row of a capture by position; made once, not for each chunk of a long prompt. */
  #placesOf(id: string, wanted: readonly number[]): ReadonlyMap<number, number> {
    const places = this.#places.get(id) ?? new Map(wanted.map((position, i) => [position, i]));
    this.#places.set(id, places);
    return places;
  }

  #width(value: Value): number {
    return rowLength(value, this.#sizes, this.#nKeys);
  }

  #captured(value: Value, words: Uint32Array): Capture {
    return captureOf(value, this.#section.layer, this.positions(value.id), words, {
      sizes: this.#sizes,
      nKeys: this.#nKeys,
      kernel: this.#kernels?.of(value.id),
    });
  }

  /** Copies `length` words, over as many staging buffers as it takes. */
  #copy(value: string, source: GPUBuffer, sourceOffset: number, at: number, length: number): void {
    let done = 0;
    while (done < length) {
      const staging = this.#staging();
      const words = Math.min(length - done, (staging.buffer.size - staging.used) / 4);
      this.#recorder.copy(source, sourceOffset + 4 * done, staging.buffer, staging.used, 4 * words);
      this.#pieces.push({ staging: staging.buffer, stagingOffset: staging.used, value, at: at + done, length: words });
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

/** The words of a value at some positions as a captured tensor: a view of them. */
export function captureOf(
  value: Value,
  layer: number | undefined,
  positions: readonly number[],
  words: Uint32Array,
  { sizes, nKeys, kernel }: { readonly sizes: Sizes; readonly nKeys: number; readonly kernel?: string | undefined },
): Capture {
  const shape = shapeOf(value.axes, sizes, { nTokens: positions.length, nKeys });
  const data = value.kind === 'index' ? words : new Float32Array(words.buffer, words.byteOffset, words.length);
  const captured = { stage: value.id, layer, positions, shape, data };
  return kernel === undefined ? captured : { ...captured, kernel };
}
