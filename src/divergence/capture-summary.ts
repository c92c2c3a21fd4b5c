import { WordHash } from '../base/hash';
import { inPieces, type Pieces } from '../base/pieces';
import type { Capture } from '../model/engine';
import type { NonFiniteKind, ValueRange } from './report';

/** What one capture's values are like, whatever they are compared with. */
export interface CaptureSummary {
  readonly range: ValueRange;
  readonly nan: number;
  readonly posInf: number;
  readonly negInf: number;
  /** Flat index of the first value that is not finite. */
  readonly firstBad: { readonly at: number; readonly kind: NonFiniteKind } | undefined;
  /** Fingerprint of the bits. */
  readonly bits: string;
}

/** Smallest normal f32. */
const SMALLEST_NORMAL = 2 ** -126;

const known = new WeakMap<Capture['data'], CaptureSummary>();

/** The summary of a capture's values, f32 or expert ids, in one pass; computed once for each array. */
export function* summaryInPieces({ data }: Pick<Capture, 'data'>): Pieces<CaptureSummary> {
  const found = known.get(data) ?? (yield* summarised(data));
  known.set(data, found);
  return found;
}

function* summarised(data: Float32Array | Uint32Array): Pieces<CaptureSummary> {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const hash = new WordHash();
  let counts: Counts = NOTHING;
  yield* inPieces(data.length, 1, (from, to) => {
    counts = counted(counts, data, from, to);
    hash.add(words.subarray(from, to));
  });
  const { absMax, absMin, subnormals, firstBad, nan, posInf, negInf } = counts;
  return {
    range: {
      absMax,
      absMin: absMin === Infinity ? 0 : absMin,
      subnormals: data.length === 0 ? 0 : subnormals / data.length,
    },
    nan,
    posInf,
    negInf,
    bits: hash.digest(),
    firstBad: firstBad < 0 ? undefined : { at: firstBad, kind: kindOf(data[firstBad]!) },
  };
}

/** What was counted so far. */
interface Counts {
  readonly absMax: number;
  readonly absMin: number;
  readonly subnormals: number;
  readonly nan: number;
  readonly posInf: number;
  readonly negInf: number;
  /** -1: none. */
  readonly firstBad: number;
}

const NOTHING: Counts = { absMax: 0, absMin: Infinity, subnormals: 0, nan: 0, posInf: 0, negInf: 0, firstBad: -1 };

function counted(before: Counts, data: Float32Array | Uint32Array, from: number, to: number): Counts {
  let { absMax, absMin, subnormals, nan, posInf, negInf, firstBad } = before;
  for (let i = from; i < to; i++) {
    const x = data[i]!;
    if (x - x !== 0) {
      if (x !== x) nan++;
      else if (x > 0) posInf++;
      else negInf++;
      if (firstBad < 0) firstBad = i;
      continue;
    }
    const size = Math.abs(x);
    if (size > absMax) absMax = size;
    if (size === 0) continue;
    if (size < absMin) absMin = size;
    if (size < SMALLEST_NORMAL) subnormals++;
  }
  return { absMax, absMin, subnormals, nan, posInf, negInf, firstBad };
}

function kindOf(x: number): NonFiniteKind {
  if (Number.isNaN(x)) return 'NaN';
  return x > 0 ? '+Infinity' : '-Infinity';
}
