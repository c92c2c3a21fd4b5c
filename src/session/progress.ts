import type { EngineHooks } from '../model/engine';
import type { Progress, RunPhase } from './events';

/** Progress is reported at most this often (ms), so that it costs nothing. */
const INTERVAL_MS = 100;
/** The rate is that of at least this long (ms), and of twice as long at the most: long enough to be steady, short enough to be of now. */
const RATE_MS = 1000;

interface Mark {
  readonly at: number;
  readonly bytes: number;
}

/** Keeps the figures of a run's progress and reports them, throttled. */
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
  /** When a unit of the phase was first told, and how many were done then. */
  #from = { at: 0, done: 0 };
  /** What was read when: the rate is since the first, and the second takes its place. */
  #marks: readonly [Mark, Mark] | undefined;

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

  /** Enters a phase or finishes a unit of it; always reported. */
  update(phase: RunPhase, done: number, total: number): void {
    if (phase !== this.#phase || done === 0) this.#from = { at: this.#now(), done };
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
    const here: Mark = { at: now, bytes: this.bytes };
    const [since, next] = (this.#marks ??= [here, here]);
    if (now - next.at >= RATE_MS) this.#marks = [next, here];
    const rate = now - since.at < RATE_MS ? 0 : (1000 * (here.bytes - since.bytes)) / (now - since.at);
    const units = this.#done - this.#from.done;
    const perUnit = (now - this.#from.at) / 1000 / units;
    const left = this.#phase === 'layers' && units > 0 ? perUnit * (this.#total - this.#done) : undefined;
    this.#tell({
      phase: this.#phase,
      done: this.#done,
      total: this.#total,
      bytes: this.bytes,
      rate,
      ...(left === undefined ? {} : { secondsLeft: left }),
      ...(this.#tensor === undefined ? {} : { tensor: this.#tensor }),
    });
  }
}
