import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { deltaRuleBound } from './bound';
import { deltaRule, type DeltaShape } from './exact';
import { DELTA_RULE } from './kernel';

/** What a case is fed: values of a model, values of one kind, or decays that leave nothing or all. */
type DeltaKind = Exclude<InputKind, 'large' | 'one-hot'> | 'forgets' | 'keeps';

/** Decays of a model: e^-0.05 to e^-6. */
const DECAYS: Readonly<Partial<Record<DeltaKind, readonly [from: number, to: number]>>> = {
  normal: [-6, -0.05],
  subnormal: [-1, -0.1],
  forgets: [-200, -80],
  keeps: [-1e-6, 0],
};

/**
 * One token: a bound from token to token would be of errors that grow, and a step is judged from the state that it has. Cases of several
 * tokens follow from these, each from the f32 states of the one before.
 */
function deltaCase(shape: DeltaShape, rows: number, kind: DeltaKind): SelftestCase {
  const { nHeadK, nHeadV, n, m } = shape;
  const heads = nHeadK === nHeadV ? plural(nHeadV, 'head') : `${nHeadK} heads of k, ${nHeadV} of v`;
  return plainCase(DELTA_RULE, `${plural(rows, 'token')}, ${heads}, states of ${m} x ${n}, ${kind}`, () => {
    const of = kind === 'forgets' || kind === 'keeps' ? 'normal' : kind;
    const size = nHeadV * m * n;
    const k = inputValues(of, rows * nHeadK * n, 1).map((x) => x / Math.sqrt(n));
    const v = inputValues(of, rows * nHeadV * m, 2);
    const [from, to] = DECAYS[kind] ?? [0, 0];
    const decay = inputValues('normal', rows * nHeadV, 3).map((x) => from + (to - from) / (1 + Math.exp(-x)));
    const beta = inputValues(of, rows * nHeadV, 4).map((x) => (of === 'normal' ? 1 / (1 + Math.exp(-x)) : x));
    const before = inputValues(of, size, 5);
    const values = new Float64Array(rows * size);
    const bounds = new Float64Array(rows * size);
    const state = wide(before);
    const errors = new Float64Array(size);
    for (let t = 0; t < rows; t++) {
      const part = (all: Float32Array, width: number): Float64Array => wide(all.subarray(t * width, (t + 1) * width));
      const token = {
        ...{ k: part(k, nHeadK * n), v: part(v, nHeadV * m) },
        ...{ decay: part(decay, nHeadV), beta: part(beta, nHeadV) },
      };
      const own = deltaRuleBound(shape, token, state);
      carryErrors(shape, token, errors);
      for (let i = 0; i < size; i++) errors[i]! += own[i]!;
      deltaRule(shape, token, state);
      values.set(state, t * size);
      bounds.set(errors, t * size);
    }
    const count = nHeadV * m;
    const params = { count, rows, nHeadK, nHeadV, n, m, each: 0 };
    return laneWork({ k, v, decay, beta, before }, 'y', expectFloats(values, bounds), params, count);
  });
}

/** Several tokens, each from a state of its own. */
function eachCase(shape: DeltaShape, rows: number): SelftestCase {
  const { nHeadK, nHeadV, n, m } = shape;
  return plainCase(DELTA_RULE, `${plural(rows, 'token')}, each from a state of its own, states of ${m} x ${n}`, () => {
    const size = nHeadV * m * n;
    const k = inputValues('normal', rows * nHeadK * n, 1).map((x) => x / Math.sqrt(n));
    const v = inputValues('normal', rows * nHeadV * m, 2);
    const decay = inputValues('normal', rows * nHeadV, 3).map((x) => -Math.abs(x));
    const beta = inputValues('normal', rows * nHeadV, 4).map((x) => 1 / (1 + Math.exp(-x)));
    const before = inputValues('normal', rows * size, 5);
    const values = wide(before);
    const bounds = new Float64Array(rows * size);
    for (let t = 0; t < rows; t++) {
      const part = (all: Float32Array, width: number): Float64Array => wide(all.subarray(t * width, (t + 1) * width));
      const token = {
        ...{ k: part(k, nHeadK * n), v: part(v, nHeadV * m) },
        ...{ decay: part(decay, nHeadV), beta: part(beta, nHeadV) },
      };
      const state = values.subarray(t * size, (t + 1) * size);
      bounds.set(deltaRuleBound(shape, token, state), t * size);
      deltaRule(shape, token, state);
    }
    const count = nHeadV * m;
    const params = { count, rows, nHeadK, nHeadV, n, m, each: 1 };
    return laneWork({ k, v, decay, beta, before }, 'y', expectFloats(values, bounds), params, count);
  });
}

/** What errors of a state become in a step, at most: |e^decay| (E + |beta k| (|k| . E)), and a little for those of the step on them. */
function carryErrors(
  { nHeadK, nHeadV, n, m }: DeltaShape,
  { k, decay, beta }: { readonly k: Float64Array; readonly decay: Float64Array; readonly beta: Float64Array },
  errors: Float64Array,
): void {
  for (let row = 0; row < nHeadV * m; row++) {
    const h = Math.floor(row / m);
    const keep = Math.exp(decay[h]!) * (1 + OF_ERRORS);
    const key = (h % nHeadK) * n;
    let met = 0;
    for (let j = 0; j < n; j++) met += Math.abs(k[key + j]!) * errors[row * n + j]!;
    for (let j = 0; j < n; j++) {
      errors[row * n + j] = keep * (errors[row * n + j]! + Math.abs(beta[h]! * k[key + j]!) * met);
    }
  }
}

/** Rounding errors of what is itself an error. */
const OF_ERRORS = 1e-4;

const SHAPES: readonly (readonly [shape: DeltaShape, rows: number])[] = [
  [{ nHeadK: 1, nHeadV: 1, n: 1, m: 1 }, 1],
  [{ nHeadK: 2, nHeadV: 4, n: 24, m: 24 }, 1],
  [{ nHeadK: 2, nHeadV: 6, n: 24, m: 24 }, 3],
  [{ nHeadK: 1, nHeadV: 2, n: 128, m: 33 }, 2],
  [{ nHeadK: 3, nHeadV: 3, n: 7, m: 43 }, 5],
];

const KINDS: readonly DeltaKind[] = ['normal', 'zero', 'subnormal', 'minus-zero', 'forgets', 'keeps'];

export const DELTA_RULE_CASES: readonly SelftestCase[] = [
  ...SHAPES.flatMap(([shape, rows]) => KINDS.map((kind) => deltaCase(shape, rows, kind))),
  deltaCase({ nHeadK: 1, nHeadV: 2, n: 8, m: 3 }, 66, 'normal'),
  eachCase({ nHeadK: 2, nHeadV: 4, n: 24, m: 24 }, 3),
];
