import type { JudgePool } from './judge-pool';
import type { StepJudged, StepWork } from './step-work';

/** Layers of a run that other threads judge while the run goes on. What they found is told in the layers' order. */
export class LayerQueue {
  readonly #pool: JudgePool;
  readonly #tokens: Uint32Array<ArrayBuffer>;
  readonly #tell: (work: StepWork, judged: StepJudged) => Promise<void>;
  #told: Promise<void> = Promise.resolve();

  constructor(
    pool: JudgePool,
    tokens: Uint32Array<ArrayBuffer>,
    tell: (work: StepWork, judged: StepJudged) => Promise<void>,
  ) {
    this.#pool = pool;
    this.#tokens = tokens;
    this.#tell = tell;
  }

  /** Resolves when a thread has taken the layer. @throws TracerError of a layer before it, `run-cancelled` */
  async take(work: StepWork, signal: AbortSignal | undefined): Promise<void> {
    await Promise.race([this.#pool.room(signal), this.#failed()]);
    const judging = this.#pool.judge(work, this.#tokens, signal);
    const before = this.#told;
    this.#told = Promise.all([judging, before]).then(([judged]) => this.#tell(work, judged));
    // Rethrown to the caller that hands over the next layer or waits for all.
    this.#told.catch(() => undefined);
  }

  /** Resolves when all layers are told. @throws TracerError what went wrong with one of them */
  settled(): Promise<void> {
    return this.#told;
  }

  /** Drops what is in hand. */
  async drop(): Promise<void> {
    await this.#pool.drop();
    await this.#told.catch(() => undefined);
  }

  /** Rejects when a layer goes wrong, and never resolves. */
  #failed(): Promise<never> {
    return this.#told.then(() => new Promise<never>(() => undefined));
  }
}
