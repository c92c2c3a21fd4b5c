import { f32FromBits } from '../base/float';
import { UNWRITTEN_BITS } from '../gpu/probe/guarded';

/** In place of a bound: the kernel must not write there. */
const UNTOUCHED = -1;
/** In place of a bound: the word must have exactly these bits. */
const BITS = -2;

/** What each word of an output may be. Words that nobody set must be left as they were. */
export interface Expected {
  /** Exact values, or words where bits are meant. */
  readonly values: Float64Array<ArrayBuffer>;
  /** Largest |gpu - value| of an honest kernel (docs/numerics.md, docs/selftest.md), or one of the two marks above. */
  readonly bounds: Float64Array<ArrayBuffer>;
  /** Elements that are no f32 but keys that order as f32 do (`shaders/lib/order.wgsl`). */
  readonly keys: Set<number>;
  /** Elements that may be 0 as well: made of something subnormal, which an adapter may flush before it is multiplied. */
  readonly flushable: Set<number>;
}

/** Expects every word unchanged unless set below. */
export function expectNothing(words: number): Expected {
  return {
    values: new Float64Array(words),
    bounds: new Float64Array(words).fill(UNTOUCHED),
    keys: new Set(),
    flushable: new Set(),
  };
}

/** Every value with its bound. */
export function expectFloats(values: ArrayLike<number>, bounds: ArrayLike<number>): Expected {
  return {
    values: Float64Array.from(values),
    bounds: Float64Array.from(bounds),
    keys: new Set(),
    flushable: new Set(),
  };
}

/** Exactly these words. */
export function expectWords(words: ArrayLike<number>): Expected {
  const bounds = new Float64Array(words.length).fill(BITS);
  return { values: Float64Array.from(words), bounds, keys: new Set(), flushable: new Set() };
}

/** An f32 at `at`. */
export function putFloat({ values, bounds }: Expected, at: number, value: number, bound: number): void {
  values[at] = value;
  bounds[at] = bound;
}

/** The key of an f32 at `at`. */
export function putKey(expected: Expected, at: number, value: number, bound: number): void {
  putFloat(expected, at, value, bound);
  expected.keys.add(at);
}

/** Lets the f32 at `at` be 0 as well. */
export function allowFlush({ flushable }: Expected, at: number): void {
  flushable.add(at);
}

/** A word at `at`. */
export function putWord({ values, bounds }: Expected, at: number, word: number): void {
  values[at] = word;
  bounds[at] = BITS;
}

/** A row of f32 from `at` on. */
export function putFloats(expected: Expected, at: number, values: ArrayLike<number>, bounds: ArrayLike<number>): void {
  expected.values.set(values, at);
  expected.bounds.set(bounds, at);
}

/** The element that is furthest out. */
export interface Finding {
  readonly output: string;
  readonly element: number;
  readonly actual: number;
  readonly expected: number;
  /** Undefined where bits were asked for, or that nothing be written. */
  readonly bound?: number;
  /** Undefined: a value out of its bound. */
  readonly problem?: 'bits' | 'written' | 'not-written';
}

export interface Judgement {
  /** Largest |gpu - value| / bound; Infinity for wrong bits, a write where none belongs, and NaN. At most 1: as an honest kernel. */
  readonly ratio: number;
  readonly worst: Finding | undefined;
}

/** Holds an output's words against what is expected of them. `before`: what the output held before the kernel ran. */
export function judge(
  output: string,
  words: Uint32Array,
  { values, bounds, keys, flushable }: Expected,
  before?: Uint32Array,
): Judgement {
  if (words.length !== bounds.length) throw new RangeError(`${output}: ${bounds.length} expected of ${words.length}`);
  let ratio = 0;
  let worst: Finding | undefined;
  for (let element = 0; element < words.length; element++) {
    const word = words[element]!;
    const bound = bounds[element]!;
    const expected = values[element]!;
    if (bound === UNTOUCHED || bound === BITS) {
      const wanted = bound === BITS ? expected : (before?.[element] ?? UNWRITTEN_BITS);
      if (word === wanted) continue;
      const problem = bound === BITS ? 'bits' : 'written';
      return { ratio: Infinity, worst: { output, element, actual: word, expected: wanted, problem } };
    }
    const actual = f32FromBits(keys.has(element) ? bitsOfKey(word) : word);
    const own = actual === 0 && flushable.has(element) ? 0 : ratioOf(actual, expected, bound);
    if (own > ratio || worst === undefined) {
      ratio = own;
      const isHole = word === UNWRITTEN_BITS && before === undefined;
      worst = { output, element, actual, expected, bound, ...(isHole ? { problem: 'not-written' as const } : {}) };
    }
    if (ratio === Infinity) break;
  }
  return { ratio, worst };
}

/** The worse of two. */
export function worseOf(a: Judgement, b: Judgement): Judgement {
  return b.ratio > a.ratio || a.worst === undefined ? b : a;
}

/** The bits of the f32 whose key this is; a NaN for the key of NaN. */
function bitsOfKey(key: number): number {
  return key >= 0x80000000 ? key - 0x80000000 : ~key >>> 0;
}

function ratioOf(actual: number, expected: number, bound: number): number {
  // What is not finite stays so; an infinity may meet another, or a weight of 0, on its way.
  if (!Number.isFinite(expected)) return Number.isNaN(actual) || actual === expected ? 0 : Infinity;
  // Nothing is promised where f32 overflows.
  if (bound === Infinity) return 0;
  const error = Math.abs(actual - expected);
  if (Number.isNaN(error)) return Infinity;
  return error === 0 ? 0 : error / bound;
}
