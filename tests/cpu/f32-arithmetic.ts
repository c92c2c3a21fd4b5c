import { f32Bits, f32FromBits } from '../../src/base/float';
import type { Random } from '../../src/base/random';

/**
 * f32 arithmetic as bad as WGSL allows: every rounding in a chosen direction, exp, division and inverseSqrt off by their full ULP
 * allowance, subnormals flushed. What obeys a bound under all of these obeys it on any conforming adapter.
 */
export interface F32Arithmetic {
  readonly name: string;
  /** Rounds the exact result of one operation. */
  round(exact: number): number;
  divide(a: number, b: number): number;
  exp(x: number): number;
  inverseSqrt(x: number): number;
}

type Direction = () => 'nearest' | 'up' | 'down';

function arithmetic(name: string, direction: Direction, flush: boolean): F32Arithmetic {
  const flushed = (x: number): number => (flush && Math.abs(x) < 2 ** -126 ? 0 : x);
  const round = (exact: number): number => flushed(roundTo(exact, direction()));
  /** The result off by `ulps`, towards the direction. */
  const off = (exact: number, ulps: number): number => {
    const way = direction();
    const ulp = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(exact)))) - 23);
    const error = way === 'nearest' || exact === 0 || !Number.isFinite(exact) ? 0 : Math.floor(ulps) * ulp;
    return flushed(Math.fround(way === 'down' ? exact - error : exact + error));
  };
  return {
    name,
    round,
    divide: (a, b) => off(a / b, 2.5),
    exp: (x) => off(Math.exp(x), 3 + 2 * Math.abs(x)),
    inverseSqrt: (x) => off(1 / Math.sqrt(x), 2),
  };
}

/** The corners of what is allowed, and random mixtures of them. */
export function arithmetics(random: Random): readonly F32Arithmetic[] {
  return [
    arithmetic('to nearest', () => 'nearest', false),
    arithmetic('up', () => 'up', true),
    arithmetic('down', () => 'down', true),
    arithmetic('at random', () => (random.below(2) === 0 ? 'up' : 'down'), true),
  ];
}

function roundTo(x: number, direction: 'nearest' | 'up' | 'down'): number {
  const nearest = Math.fround(x);
  if (direction === 'up' && nearest < x) return next(nearest, 1);
  if (direction === 'down' && nearest > x) return next(nearest, -1);
  return nearest;
}

/** The neighbouring f32 above (1) or below (-1). */
function next(x: number, way: 1 | -1): number {
  if (x === 0) return way * 2 ** -149;
  return f32FromBits(f32Bits(x) + (x > 0 === way > 0 ? 1 : -1));
}

/** sum_j a_j b_j in f32, one element after the other. */
export function f32Dot(f: F32Arithmetic, a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum = f.round(sum + f.round(a[j]! * b[j]!));
  return sum;
}

/** The same as a tree of halves. */
export function f32DotTree(
  f: F32Arithmetic,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  from = 0,
  to = a.length,
): number {
  if (to - from === 1) return f.round(a[from]! * b[from]!);
  const middle = (from + to) >> 1;
  return f.round(f32DotTree(f, a, b, from, middle) + f32DotTree(f, a, b, middle, to));
}

/** The same in 64 interleaved partial sums that are joined one by one. */
export function f32DotLanes(f: F32Arithmetic, a: ArrayLike<number>, b: ArrayLike<number>): number {
  const lanes = new Float64Array(64);
  for (let j = 0; j < a.length; j++) lanes[j % 64] = f.round(lanes[j % 64]! + f.round(a[j]! * b[j]!));
  return lanes.reduce((sum, lane) => f.round(sum + lane));
}
