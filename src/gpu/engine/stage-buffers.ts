import type { GpuContext } from '../device';
import type { BufferRange } from '../recorder';
import type { HParams } from '../../model/hparams';
import { rowLength, type StageInput } from './stage-sizes';

/** One buffer for each stage, made when it is first needed and as large as the largest chunk so far. */
export class StageBuffers {
  readonly #context: GpuContext;
  readonly #hparams: HParams;
  readonly #label: string;
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(context: GpuContext, hparams: HParams, label: string) {
    this.#context = context;
    this.#hparams = hparams;
    this.#label = label;
  }

  /** Room for `rows` tokens of a stage. What was in it is lost when it has to grow. */
  get(stage: StageInput, rows: number, nKeys: number): BufferRange {
    return this.room(stage, rows * rowLength(stage, this.#hparams, nKeys));
  }

  /** Room for so many words under a name of its own. What was in it is lost when it has to grow. */
  room(stage: string, words: number): BufferRange {
    const size = Math.max(4, 4 * words);
    const old = this.#buffers.get(stage);
    if (old !== undefined && old.size >= size) return { buffer: old, offset: 0, size };
    if (old !== undefined) this.#context.release(old);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.#context.allocate(`${this.#label} ${stage}`, size, usage);
    this.#buffers.set(stage, buffer);
    return { buffer, offset: 0, size };
  }

  dispose(): void {
    for (const buffer of this.#buffers.values()) this.#context.release(buffer);
    this.#buffers.clear();
  }
}
