import type { Capture } from '../model/engine';
import { stageSpec, type Dim, type StageId } from '../model/stages';
import { selectPositions } from '../trace/select-positions';
import { alignSlots } from './align-slots';
import { RATIO_BINS, ratioBin } from './ratio-bins';
import type { CompareMode } from './report';

/** One stage of one layer at one prompt position. Plain data. */
export interface SlicePlace {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly position: number;
  readonly mode: CompareMode;
}

/** One element of both engines. */
export interface SliceValue {
  /** The index within the position: [channel], [slot, channel], [head, key]. */
  readonly index: readonly number[];
  readonly a: number;
  readonly b: number;
  /** |a - b|; 0 for equal infinities; NaN with a NaN. */
  readonly error: number;
  readonly bound?: number;
  /** error / bound. */
  readonly ratio?: number;
  /** Of stages that are kept by slot. */
  readonly expert?: number;
}

/** A position of a capture in both engines, boiled down: what a person looks at, whatever the size of the tensor. */
export interface CaptureSlice extends SlicePlace {
  /** The axes within the position and their lengths, C order. */
  readonly axes: readonly { readonly dim: Dim; readonly length: number }[];
  /** Elements compared; slots whose expert only one engine chose are left out. */
  readonly count: number;
  /** Elements left out. */
  readonly skipped: number;
  /** By ratio where there are bounds, else by error; what is not finite first. */
  readonly worst: readonly SliceValue[];
  /** Elements a bin of `RATIO_EDGES`; where the reference has bounds. */
  readonly ratios?: readonly number[];
  /** Elements a bin of `ERROR_EDGES`. */
  readonly errors: readonly number[];
  /** Both engines' finite values in equal bins from -`extent` to `extent`, and what is not finite. */
  readonly values: {
    readonly extent: number;
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly nonFiniteA: number;
    readonly nonFiniteB: number;
  };
  /** The flat elements in equal ranges, each with its largest ratio (or error, without bounds). */
  readonly profile: { readonly stretch: number; readonly largest: readonly number[] };
  /** Index stages: the experts of each engine, descending by weight. */
  readonly experts?: { readonly a: readonly number[]; readonly b: readonly number[] };
}

/** Upper edges, included, of the bins that count |a - b|: exact zeros, then decades; the last bin holds the rest and NaN. */
export const ERROR_EDGES = [0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100] as const;

export const ERROR_BINS = ERROR_EDGES.length + 1;
export const VALUE_BINS = 41;
const WORST = 16;
const PROFILE_PARTS = 256;

/** The captures that a slice is made of; the routing of both engines aligns slots by expert. */
export interface SliceCaptures {
  readonly a: Capture;
  readonly b: Capture;
  readonly indicesA?: Capture | undefined;
  readonly indicesB?: Capture | undefined;
}

/** Boils one position down. Both captures must hold it. */
export function sliceCaptures(captures: SliceCaptures, position: number, mode: CompareMode): CaptureSlice {
  const at = (captured: Capture | undefined): Capture | undefined =>
    captured?.positions.includes(position) === true ? selectPositions(captured, [position]) : undefined;
  const a = selectPositions(captures.a, [position]);
  const b = selectPositions(captures.b, [position]);
  const indicesB = at(captures.indicesB);
  const isIndex = stageSpec(b.stage).values === 'index';
  const { data, skip } =
    mode === 'free' && !isIndex ? alignSlots(a, at(captures.indicesA), indicesB) : { data: a.data, skip: undefined };
  const { shape } = stageSpec(b.stage);
  const axes = b.shape.flatMap((length, i) => {
    const dim = shape[i];
    return dim === undefined || dim === 'nTokens' ? [] : [{ dim, length }];
  });
  const bound = mode === 'free' ? undefined : b.bound;
  const element = (i: number): SliceValue => {
    const index = indexOf(i, axes);
    const slot = axes.findIndex(({ dim }) => dim === 'nExpertUsed');
    const expert = slot < 0 ? undefined : indicesB?.data[index[slot] ?? 0];
    const x = data[i] ?? NaN;
    const y = b.data[i] ?? NaN;
    const limit = bound?.[i];
    const error = errorOf(x, y);
    return {
      index,
      a: x,
      b: y,
      error,
      ...(limit === undefined ? {} : { bound: limit, ratio: ratioOf(error, limit) }),
      ...(expert === undefined ? {} : { expert }),
    };
  };
  const counted = count(data, b.data, bound, skip);
  return {
    layer: b.layer,
    stage: b.stage,
    position,
    mode,
    axes,
    count: counted.count,
    skipped: b.data.length - counted.count,
    worst: isIndex ? [] : counted.worst.map(element),
    ...(bound === undefined ? {} : { ratios: counted.ratios }),
    errors: counted.errors,
    values: valuesOf(data, b.data, skip),
    profile: counted.profile,
    ...(isIndex ? { experts: { a: [...a.data], b: [...b.data] } } : {}),
  };
}

interface Counted {
  readonly count: number;
  readonly worst: readonly number[];
  readonly ratios: readonly number[];
  readonly errors: readonly number[];
  readonly profile: CaptureSlice['profile'];
}

function count(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  bound: ArrayLike<number> | undefined,
  skip: Uint8Array | undefined,
): Counted {
  const ratios = new Array<number>(RATIO_BINS).fill(0);
  const errors = new Array<number>(ERROR_BINS).fill(0);
  const stretch = Math.max(1, Math.ceil(b.length / PROFILE_PARTS));
  const largest = new Array<number>(Math.ceil(b.length / stretch)).fill(0);
  const worst = new Worst();
  let n = 0;
  for (let i = 0; i < b.length; i++) {
    if (skip?.[i] === 1) continue;
    n++;
    const error = errorOf(a[i]!, b[i]!);
    errors[errorBin(error)]!++;
    const measure = bound === undefined ? error : ratioOf(error, bound[i]!);
    if (bound !== undefined) ratios[ratioBin(measure)]!++;
    const s = Math.floor(i / stretch);
    largest[s] = Number.isNaN(measure) ? NaN : Math.max(largest[s]!, measure);
    worst.add(i, measure);
  }
  return { count: n, worst: worst.items, ratios, errors, profile: { stretch, largest } };
}

/** The few largest of many; NaN above all. */
class Worst {
  readonly items: number[] = [];
  readonly #measures: number[] = [];

  add(item: number, measure: number): void {
    const size = Number.isNaN(measure) ? Infinity : measure;
    if (this.items.length === WORST && size <= this.#measures[WORST - 1]!) return;
    let at = this.items.length;
    while (at > 0 && this.#measures[at - 1]! < size) at--;
    this.items.splice(at, 0, item);
    this.#measures.splice(at, 0, size);
    if (this.items.length > WORST) {
      this.items.pop();
      this.#measures.pop();
    }
  }
}

function valuesOf(a: ArrayLike<number>, b: ArrayLike<number>, skip: Uint8Array | undefined): CaptureSlice['values'] {
  let extent = 0;
  for (let i = 0; i < b.length; i++) {
    if (skip?.[i] === 1) continue;
    for (const x of [a[i]!, b[i]!]) if (Number.isFinite(x)) extent = Math.max(extent, Math.abs(x));
  }
  const side = (values: ArrayLike<number>): { bins: number[]; nonFinite: number } => {
    const bins = new Array<number>(VALUE_BINS).fill(0);
    let nonFinite = 0;
    for (let i = 0; i < values.length; i++) {
      if (skip?.[i] === 1) continue;
      const x = values[i]!;
      if (!Number.isFinite(x)) nonFinite++;
      else {
        const share = extent === 0 ? 0.5 : (x / extent + 1) / 2;
        bins[Math.min(VALUE_BINS - 1, Math.floor(share * VALUE_BINS))]!++;
      }
    }
    return { bins, nonFinite };
  };
  const [ofA, ofB] = [side(a), side(b)];
  return { extent, a: ofA.bins, b: ofB.bins, nonFiniteA: ofA.nonFinite, nonFiniteB: ofB.nonFinite };
}

function errorOf(a: number, b: number): number {
  return a === b ? 0 : Math.abs(a - b);
}

function ratioOf(error: number, bound: number): number {
  return error === 0 ? 0 : error / bound;
}

/** The bin of one error; NaN goes to the last. */
export function errorBin(error: number): number {
  const bin = ERROR_EDGES.findIndex((edge) => error <= edge);
  return bin < 0 ? ERROR_EDGES.length : bin;
}

function indexOf(flat: number, axes: CaptureSlice['axes']): readonly number[] {
  const index: number[] = [];
  let rest = flat;
  for (const { length } of axes.toReversed()) {
    index.unshift(rest % length);
    rest = Math.floor(rest / length);
  }
  return index;
}
