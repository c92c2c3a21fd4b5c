import { hashWords } from '../base/hash';
import type { Tap } from '../model/engine';
import type { PoisonKind, ValueRange } from './report';

/** What one tap's values are like, whatever they are compared with. */
export interface TapSummary {
  readonly range: ValueRange;
  readonly nan: number;
  readonly posInf: number;
  readonly negInf: number;
  /** Flat index of the first value that is not finite. */
  readonly firstBad: { readonly at: number; readonly kind: PoisonKind } | undefined;
  /** Fingerprint of the bits. */
  readonly bits: string;
}

/** Smallest normal f32. */
const SMALLEST_NORMAL = 2 ** -126;

const known = new WeakMap<Tap['data'], TapSummary>();

/** The summary of a tap; computed once for each array. */
export function summaryOf({ data }: Tap): TapSummary {
  const found = known.get(data) ?? summarise(data);
  known.set(data, found);
  return found;
}

/** One pass over the values, f32 or expert ids. */
export function summarise(data: Float32Array | Uint32Array): TapSummary {
  let absMax = 0;
  let absMin = Infinity;
  let subnormals = 0;
  let nan = 0;
  let posInf = 0;
  let negInf = 0;
  let firstBad = -1;
  for (let i = 0; i < data.length; i++) {
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
  return {
    range: {
      absMax,
      absMin: absMin === Infinity ? 0 : absMin,
      subnormals: data.length === 0 ? 0 : subnormals / data.length,
    },
    nan,
    posInf,
    negInf,
    bits: hashWords(new Uint32Array(data.buffer, data.byteOffset, data.length)),
    firstBad: firstBad < 0 ? undefined : { at: firstBad, kind: kindOf(data[firstBad]!) },
  };
}

function kindOf(x: number): PoisonKind {
  if (Number.isNaN(x)) return 'NaN';
  return x > 0 ? '+Infinity' : '-Infinity';
}
