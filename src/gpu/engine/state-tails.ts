import { fail } from '../../base/errors';
import type { StateSlot } from '../../arch/graph';
import type { GpuContext } from '../device';
import type { BufferRange, Recorder } from '../recorder';
import { ValueBuffers } from './value-buffers';

/** What a run goes on from where readers look back a few positions only, (reach, ...) by layer and slot: a convolution's window, a recurrence's state. */
export class StateTails {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #width: (slot: StateSlot) => number;
  readonly #kept = new Map<string, { readonly buffer: GPUBuffer; end: number }>();
  readonly #scratch: ValueBuffers;

  /** @param width words of a position */
  constructor(context: GpuContext, recorder: Recorder, width: (slot: StateSlot) => number) {
    this.#context = context;
    this.#recorder = recorder;
    this.#width = width;
    this.#scratch = new ValueBuffers(context, 'state');
  }

  /** The rows before a position: zeros before the first. @throws TracerError `internal` where what is kept ends elsewhere: a step was given up */
  before(layer: number, slot: StateSlot, position: number): GPUBuffer {
    const key = `${layer} ${slot.name}`;
    const kept = this.#kept.get(key);
    if (kept?.end === position) return kept.buffer;
    if (position > 0) {
      throw fail('internal', `${slot.name} of layer ${layer} is not kept of position ${position}.`, 'Begin afresh.');
    }
    if (kept !== undefined) this.#context.release(kept.buffer);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    // A new buffer is zero.
    const buffer = this.#context.allocate(key, 4 * (slot.reach ?? 0) * this.#width(slot), usage);
    this.#kept.set(key, { buffer, end: 0 });
    return buffer;
  }

  /** Records that rows from `position` on follow what is kept. */
  append(layer: number, slot: StateSlot, position: number, source: BufferRange, rows: number): void {
    const buffer = this.before(layer, slot, position);
    const bytes = 4 * this.#width(slot);
    const reach = slot.reach ?? 0;
    const stay = Math.max(0, reach - rows);
    if (stay > 0) {
      // A buffer cannot be copied onto itself.
      const moved = this.#scratch.get(slot.name, (stay * bytes) / 4).buffer;
      this.#recorder.copy(buffer, rows * bytes, moved, 0, stay * bytes);
      this.#recorder.copy(moved, 0, buffer, 0, stay * bytes);
    }
    const taken = reach - stay;
    const from = (source.offset ?? 0) + (rows - taken) * bytes;
    this.#recorder.copy(source.buffer, from, buffer, stay * bytes, taken * bytes);
    this.#kept.set(`${layer} ${slot.name}`, { buffer, end: position + rows });
  }

  dispose(): void {
    for (const { buffer } of this.#kept.values()) this.#context.release(buffer);
    this.#kept.clear();
    this.#scratch.dispose();
  }
}
