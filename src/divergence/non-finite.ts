import type { Capture } from '../model/engine';
import { atOnce, type Pieces } from '../base/pieces';
import { stageOrder, type StageId } from '../model/stages';
import type { CompareMode, NonFinite, Report, ValueRange } from './report';
import { indexOf } from './capture-layout';
import { summaryInPieces } from './capture-summary';

/** Captures before the first of them that are kept as its run-up: two layers and the embedding. */
const RUN_UP = 50;

/** What a report says of candidate and reference; nothing where every value is finite. */
export function nonFiniteOf(a: NonFinite | undefined, b: NonFinite | undefined): Pick<Report, 'poison'> {
  if (a === undefined && b === undefined) return {};
  return { poison: { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) } };
}

/** What the watch needs of a capture. */
export interface CaptureNote {
  readonly stage: StageId;
  readonly count: number;
  /** Values that are not finite, and the first of them. */
  readonly bad: number;
  readonly first: Pick<NonFinite, 'kind' | 'index'> | undefined;
  /** Undefined of experts' ids, which are no sizes. */
  readonly range: ValueRange | undefined;
}

/** What is noted of captures. */
export function* notesInPieces(captures: Iterable<Capture>): Pieces<readonly CaptureNote[]> {
  const notes: CaptureNote[] = [];
  for (const captured of captures) {
    const { nan, posInf, negInf, firstBad, range } = yield* summaryInPieces(captured);
    notes.push({
      stage: captured.stage,
      count: captured.data.length,
      bad: nan + posInf + negInf,
      first: firstBad === undefined ? undefined : { kind: firstBad.kind, index: indexOf(captured, firstBad.at) },
      range: captured.data instanceof Uint32Array ? undefined : range,
    });
  }
  return notes;
}

interface Seen {
  readonly layer: number | undefined;
  readonly stage: StageId;
}

/**
 * Watches the captures of one engine, step by step in forward order, for values that are not finite. Nothing of the captures themselves is kept.
 */
export class NonFiniteWatch {
  readonly #engine: string;
  readonly #mode: CompareMode;
  readonly #runUp: NonFinite['runUp'][number][] = [];
  readonly #spread: NonFinite['spread'][number][] = [];
  #first: Pick<NonFinite, 'layer' | 'stage' | 'kind' | 'index'> | undefined;

  constructor(engine: string, mode: CompareMode) {
    this.#engine = engine;
    this.#mode = mode;
  }

  /** The captures of one step, in any order. */
  step(layer: number | undefined, captures: Iterable<Capture>): void {
    atOnce(this.inPieces(layer, captures));
  }

  /** {@link step} that can be left. */
  *inPieces(layer: number | undefined, captures: Iterable<Capture>): Pieces<void> {
    this.notes(layer, yield* notesInPieces(captures));
  }

  /** What was noted of them, where they were looked at in another thread. */
  notes(layer: number | undefined, notes: readonly CaptureNote[]): void {
    for (const note of [...notes].sort((x, y) => stageOrder(x.stage) - stageOrder(y.stage))) {
      this.#note({ layer, stage: note.stage }, note);
    }
  }

  /** What was found; undefined where every value was finite. */
  found(): NonFinite | undefined {
    if (this.#first === undefined) return undefined;
    return { arm: this.#engine, mode: this.#mode, ...this.#first, spread: this.#spread, runUp: this.#runUp };
  }

  #note(place: Seen, { bad, count, first, range }: CaptureNote): void {
    if (bad > 0) this.#spread.push({ ...place, bad, count });
    if (this.#first !== undefined) return;
    if (first !== undefined) {
      this.#first = { ...place, ...first };
      return;
    }
    if (range === undefined) return;
    this.#runUp.push({ ...place, ...range });
    if (this.#runUp.length > RUN_UP) this.#runUp.shift();
  }
}
