import type { EngineHooks } from '../model/engine';
import type { Progress, RunPhase } from './events';

/** Progress is told at most this often (ms), so that telling it costs nothing. */
const INTERVAL_MS = 100;

/** Keeps the figures of a run's progress and tells them, throttled. */
export class ProgressMeter {
  readonly hooks: EngineHooks;
  bytes = 0;
  readonly #tell: (progress: Progress) => void;
  readonly #now: () => number;
  #phase: RunPhase = 'prepare';
  #done = 0;
  #total = 1;
  #tensor: string | undefined;
  #told = -Infinity;
  #phaseStart = 0;
  #window: { at: number; bytes: number } = { at: 0, bytes: 0 };
  #rate = 0;

  constructor(tell: (progress: Progress) => void, now: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#now = now;
    this.hooks = {
      onRead: (tensor, bytes) => {
        this.bytes += bytes;
        this.#tensor = tensor;
        this.#maybeTell();
      },
    };
  }

  /** Enters a phase or finishes a unit of it; always told. */
  update(phase: RunPhase, done: number, total: number): void {
    if (phase !== this.#phase || done === 0) this.#phaseStart = this.#now();
    this.#phase = phase;
    this.#done = done;
    this.#total = total;
    this.#told = -Infinity;
    this.#maybeTell();
  }

  #maybeTell(): void {
    const now = this.#now();
    if (now - this.#told < INTERVAL_MS) return;
    this.#told = now;
    if (now - this.#window.at > 1000) {
      const seconds = (now - this.#window.at) / 1000;
      this.#rate = (this.bytes - this.#window.bytes) / seconds;
      this.#window = { at: now, bytes: this.bytes };
    }
    const perUnit = (now - this.#phaseStart) / 1000 / Math.max(1, this.#done);
    const left = this.#phase === 'layers' && this.#done > 0 ? perUnit * (this.#total - this.#done) : undefined;
    this.#tell({
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      bytes: this.bytes,
      rate: this.#rate,
      ...(left === undefined ? {} : { secondsLeft: left }),
      ...(this.#tensor === undefined ? {} : { tensor: this.#tensor }),
    });
  }
}
