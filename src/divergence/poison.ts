import type { Tap } from '../model/engine';
import { stageOrder, type StageId } from '../model/stages';
import type { CompareMode, Poison, Report } from './report';
import { indexOf } from './tap-layout';
import { summaryOf } from './tap-summary';

/** Taps before the first poison that are kept as its run-up: two layers and the embedding. */
const RUN_UP = 50;

/** What a report says of both arms; nothing where every value is finite. */
export function poisonOf(a: Poison | undefined, b: Poison | undefined): Pick<Report, 'poison'> {
  if (a === undefined && b === undefined) return {};
  return { poison: { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) } };
}

interface Seen {
  readonly layer: number | undefined;
  readonly stage: StageId;
}

/**
 * Watches the taps of one arm, step by step in forward order, for values that are not finite. Nothing of the taps themselves is kept.
 */
export class PoisonWatch {
  readonly #arm: string;
  readonly #mode: CompareMode;
  readonly #runUp: Poison['runUp'][number][] = [];
  readonly #spread: Poison['spread'][number][] = [];
  #first: Pick<Poison, 'layer' | 'stage' | 'kind' | 'index'> | undefined;

  constructor(arm: string, mode: CompareMode) {
    this.#arm = arm;
    this.#mode = mode;
  }

  /** The taps of one step, in any order. */
  step(layer: number | undefined, taps: Iterable<Tap>): void {
    for (const tap of [...taps].sort((x, y) => stageOrder(x.stage) - stageOrder(y.stage))) {
      this.#tap({ layer, stage: tap.stage }, tap);
    }
  }

  /** What was found; undefined where every value was finite. */
  found(): Poison | undefined {
    if (this.#first === undefined) return undefined;
    return { arm: this.#arm, mode: this.#mode, ...this.#first, spread: this.#spread, runUp: this.#runUp };
  }

  #tap(place: Seen, tap: Tap): void {
    const summary = summaryOf(tap);
    const bad = summary.nan + summary.posInf + summary.negInf;
    if (bad > 0) this.#spread.push({ ...place, bad, count: tap.data.length });
    if (this.#first !== undefined) return;
    if (summary.firstBad !== undefined) {
      const { at, kind } = summary.firstBad;
      this.#first = { ...place, kind, index: indexOf(tap, at) };
      return;
    }
    // Ids of experts are no sizes.
    if (tap.data instanceof Uint32Array) return;
    this.#runUp.push({ ...place, ...summary.range });
    if (this.#runUp.length > RUN_UP) this.#runUp.shift();
  }
}
