import { orCancelled, throwIfAborted } from '../../base/abort';
import type { GpuContext } from '../device';
import type { Recorder } from '../recorder';

/** How long one submit should keep the GPU busy: short enough for a watchdog of two seconds, a live page and a prompt cancel. */
const SUBMIT_MS = 100;
/** Where the measuring begins, in floating-point operations a millisecond: an old integrated GPU; SwiftShader on one core. */
const FIRST_RATE = { hardware: 2e7, software: 1e5 };
/** A measurement moves the estimate by at most this factor. */
const MAX_CHANGE = 2;

/**
 * Cuts the work into submits of about {@link SUBMIT_MS}, and looks for a cancel between them. How the work is cut never changes a
 * value: pieces are whole rows of outputs.
 */
export class Pacer {
  readonly #context: GpuContext;
  readonly #recorder: Recorder;
  readonly #submitMs: number;
  #rate: number;
  #spent = 0;

  /** @param submitMs how long a submit should keep the GPU busy */
  constructor(context: GpuContext, recorder: Recorder, submitMs = SUBMIT_MS) {
    this.#submitMs = submitMs;
    this.#context = context;
    this.#recorder = recorder;
    this.#rate = context.card.isSoftware ? FIRST_RATE.software : FIRST_RATE.hardware;
  }

  /** Floating-point operations that one dispatch should not exceed. */
  get quantum(): number {
    return this.#rate * this.#submitMs;
  }

  /** Tells of recorded work. When it is enough for a submit, submits it and waits for it. @throws TracerError `run-cancelled`. */
  async spend(operations: number, signal: AbortSignal | undefined): Promise<void> {
    this.#spent += operations;
    if (this.#spent >= this.quantum) await this.settle(signal);
  }

  /** Submits what is recorded and waits for it. @throws TracerError `run-cancelled`. */
  async settle(signal: AbortSignal | undefined): Promise<void> {
    const started = performance.now();
    this.#recorder.submit();
    // A cancel does not wait for the GPU: what comes next is queued behind what it still computes.
    await orCancelled(this.#context.device.queue.onSubmittedWorkDone(), signal);
    const ms = Math.max(1, performance.now() - started);
    // Little work says more about the round trip than about the rate.
    if (this.#spent >= this.quantum / 2) {
      const measured = this.#spent / ms;
      this.#rate = Math.min(this.#rate * MAX_CHANGE, Math.max(this.#rate / MAX_CHANGE, measured));
    }
    this.#spent = 0;
    throwIfAborted(signal);
  }

  /** Forgets the work that was told of: it was submitted and awaited, or discarded. */
  reset(): void {
    this.#spent = 0;
  }
}
