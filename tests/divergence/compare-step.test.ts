import { describe, expect, it } from 'vitest';
import { compareStep, type CompareContext } from '../../src/divergence/compare-step';
import { NO_FLIPS } from '../../src/divergence/flip-state';
import { captureMap, captureOf } from '../support/captures';

const free: CompareContext = {
  a: 'gpu',
  b: 'cpu',
  mode: 'free',
  stages: ['ffn_norm', 'moe_router_probs', 'moe_router_indices', 'moe_expert_gate', 'moe_ffn_out'],
  nExpert: 3,
  cosineLimit: 0.99,
  ratioLimit: 1,
};

/** One layer, two tokens, three experts, two used, one channel an expert. */
function layer(probs: readonly number[], indices: readonly number[], gate: readonly number[], out: readonly number[]) {
  return captureMap(
    captureOf('ffn_norm', 0, [2, 1], [1, 1]),
    captureOf('moe_router_probs', 0, [2, 3], probs),
    captureOf('moe_router_indices', 0, [2, 2], indices),
    captureOf('moe_expert_gate', 0, [2, 2, 1], gate),
    captureOf('moe_ffn_out', 0, [2, 1], out),
  );
}
const reference = layer([0.5, 0.3, 0.2, 0.4, 0.4, 0.2], [0, 1, 0, 1], [1, 2, 3, 4], [1, 2]);
const verdicts = (rows: readonly { stage: string; verdict: string }[]) =>
  Object.fromEntries(rows.map((r) => [r.stage, r.verdict]));

/** Each value in sixteen channels: enough of them for a position to be judged by itself. */
const wide = (...values: readonly number[]) => values.flatMap((value) => new Array<number>(16).fill(value));

describe('compareStep, free-running', () => {
  it('matches a step with itself', () => {
    const { rows } = compareStep(0, reference, reference, NO_FLIPS, free);
    expect(rows.map((r) => r.verdict)).toEqual(['match', 'match', 'match', 'match', 'match']);
  });

  it('compares slots by expert, so that a near-tie in another order is no divergence', () => {
    const swapped = layer([0.5, 0.3, 0.2, 0.3999999, 0.4000001, 0.2], [0, 1, 1, 0], [1, 2, 4, 3], [1, 2]);
    const { rows } = compareStep(0, swapped, reference, NO_FLIPS, free);
    expect(verdicts(rows)).toMatchObject({ moe_router_indices: 'match', moe_expert_gate: 'match' });
    expect(rows.find((r) => r.stage === 'moe_expert_gate')?.maxAbs).toBe(0);
  });

  it('has no figure for a token whose experts only one side chose, whatever the other tokens have', () => {
    const four = { ...free, nExpert: 4, stages: ['moe_router_indices', 'moe_expert_gate'] as const };
    const step = (indices: readonly number[], gate: readonly number[]) =>
      captureMap(captureOf('moe_router_indices', 0, [2, 2], indices), captureOf('moe_expert_gate', 0, [2, 2, 1], gate));
    const b = step([0, 1, 0, 1], [1, 2, 3, 4]);
    const { rows } = compareStep(0, step([2, 3, 0, 1], [1, 2, 3, 4]), b, NO_FLIPS, four);
    const gate = rows.find((r) => r.stage === 'moe_expert_gate');
    expect(gate).toMatchObject({ count: 2, perPosition: [undefined, 0], worstPosition: 1 });
    // NaN where only the candidate has a value is no error of 0 either.
    const nan = compareStep(0, step([2, 3, 0, 1], [NaN, 2, 3, 4]), b, NO_FLIPS, four).rows[1];
    expect(nan).toMatchObject({ verdict: 'nan-gpu', nanA: 1, perPosition: [undefined, 0] });
    // Nothing at all in common: no row figure, no figure a position, nothing equal.
    const none = compareStep(0, step([2, 3, 2, 3], [1, 2, 3, 4]), b, NO_FLIPS, four).rows[1];
    expect(none).toMatchObject({ count: 0 });
    for (const figure of ['relL2', 'maxAbs', 'perPosition', 'worstPosition']) expect(none).not.toHaveProperty(figure);
  });

  it('keeps error / bound of each token, and both values where it is largest', () => {
    const isolated = { ...free, mode: 'isolated', stages: ['ffn_norm'] } as const;
    const bound = Float32Array.of(0.5, 0.5, 0.5, 0.5, 2 ** -10, 0.5);
    const b = captureMap({ ...captureOf('ffn_norm', 0, [3, 2], [1, 2, 3, Infinity, 5, 6]), bound });
    const a = captureMap(captureOf('ffn_norm', 0, [3, 2], [1, 2, 3, Infinity, 5.0625, 7]));
    const [row] = compareStep(0, a, b, NO_FLIPS, isolated).rows;
    // The element with the largest error is another one: 7 against 6.
    expect(row).toMatchObject({
      perPositionRatio: [0, 0, 64],
      maxRatio: 64,
      maxRatioIndex: [2, 0],
      maxRatioValues: { a: 5.0625, b: 5, bound: 2 ** -10 },
      maxAbsIndex: [2, 1],
      maxAbsValues: { a: 7, b: 6 },
    });
    const nan = captureMap(captureOf('ffn_norm', 0, [3, 2], [1, NaN, 3, Infinity, 5.0625, 7]));
    const [broken] = compareStep(0, nan, b, NO_FLIPS, isolated).rows;
    expect(broken).toMatchObject({ maxRatio: NaN, maxRatioIndex: [0, 1], perPositionRatio: [NaN, 0, 64] });
  });

  it('has no ratio where no reference is finite', () => {
    const isolated = { ...free, mode: 'isolated', stages: ['ffn_norm'] } as const;
    const bound = Float32Array.of(0.5, 0.5);
    const b = captureMap({ ...captureOf('ffn_norm', 0, [2, 1], [NaN, Infinity]), bound });
    const [row] = compareStep(0, captureMap(captureOf('ffn_norm', 0, [2, 1], [1, 2])), b, NO_FLIPS, isolated).rows;
    expect(row?.verdict).toBe('nan-cpu');
    for (const figure of ['maxRatio', 'ratios', 'perPositionRatio']) expect(row).not.toHaveProperty(figure);
  });

  it('labels what follows a flip that the drift explains, and only there', () => {
    const b = layer([0.5, 0.26, 0.24, 0.4, 0.4, 0.2], [0, 1, 0, 1], [1, 2, 3, 4], [1, 2]);
    const a = layer([0.5, 0.245, 0.255, 0.4, 0.4, 0.2], [0, 2, 0, 1], [1, 7, 3, 4], [-5, 2]);
    const { rows, flips } = compareStep(0, a, b, NO_FLIPS, free);
    expect(verdicts(rows)).toMatchObject({
      ffn_norm: 'match',
      moe_router_indices: 'after-flip',
      moe_ffn_out: 'after-flip',
    });
    const row = rows.find((r) => r.stage === 'moe_router_indices');
    expect(row?.flips).toMatchObject([{ position: 0, onlyA: [2], onlyB: [1], explained: true }]);
    expect(row?.flips?.[0]?.margin).toBeCloseTo(0.02, 6);
    expect(row?.jaccard).toBeCloseTo((1 / 3 + 1) / 2, 12);
    expect(flips.reach).toMatchObject({ layer: 0, position: 0 });
    // The next layer: every position from the flipped one on may differ, through attention.
    const next = compareStep(
      1,
      captureMap(captureOf('ffn_norm', 1, [2, 1], [-1, -1])),
      captureMap(captureOf('ffn_norm', 1, [2, 1], [1, 1])),
      flips,
      { ...free, stages: ['ffn_norm'] },
    );
    expect(next.rows[0]).toMatchObject({ verdict: 'after-flip', afterFlip: { layer: 0, position: 0 } });
  });

  it('calls nothing a match where the engines share no expert', () => {
    const step = (probs: readonly number[], indices: readonly number[], gate: readonly number[]) =>
      captureMap(
        captureOf('moe_router_probs', 0, [1, 3], probs),
        captureOf('moe_router_indices', 0, [1, 1], indices),
        captureOf('moe_expert_gate', 0, [1, 1, 1], gate),
      );
    const b = step([0.4, 0.35, 0.25], [0], [1]);
    const gateOf = (a: ReturnType<typeof step>) =>
      compareStep(0, a, b, NO_FLIPS, { ...free, stages: ['moe_expert_gate'] }).rows[0];
    const flipped = gateOf(step([0.36, 0.39, 0.25], [1], [7]));
    expect(flipped).toMatchObject({ verdict: 'after-flip', count: 0, afterFlip: { layer: 0, position: 0 } });
    expect(flipped).not.toHaveProperty('cosine');
    expect(flipped).not.toHaveProperty('perPosition');
    // What only the candidate computed has nothing beside it: that it is not finite is still seen.
    expect(gateOf(step([NaN, NaN, NaN], [1], [NaN]))).toMatchObject({
      verdict: 'nan-gpu',
      count: 0,
      nanA: 1,
      firstNonFiniteA: [0],
    });
  });

  it('sees values that are not finite in an expert that only one engine chose', () => {
    const a = layer([0.5, 0.245, 0.255, 0.4, 0.4, 0.2], [0, 2, 0, 1], [1, Infinity, 3, 4], [-5, 2]);
    const b = layer([0.5, 0.26, 0.24, 0.4, 0.4, 0.2], [0, 1, 0, 1], [1, 2, 3, 4], [1, 2]);
    const row = compareStep(0, a, b, NO_FLIPS, free).rows.find((r) => r.stage === 'moe_expert_gate');
    expect(row).toMatchObject({ verdict: 'nan-gpu', count: 3, infA: 1, firstNonFiniteA: [0], cosine: 1 });
  });

  it('does not excuse positions before the flip', () => {
    const state = { reach: { layer: 0, position: 1, margin: 0.01 }, here: new Map() };
    const a = captureMap(captureOf('ffn_norm', 1, [2, 16], wide(-1, -1)));
    const b = captureMap(captureOf('ffn_norm', 1, [2, 16], wide(1, 1)));
    expect(compareStep(1, a, b, state, { ...free, stages: ['ffn_norm'] }).rows[0]?.verdict).toBe('diverge');
  });

  it('blames a top-k that chose against its own probabilities', () => {
    const wrong = layer([0.5, 0.3, 0.2, 0.4, 0.4, 0.2], [0, 2, 0, 1], [1, 7, 3, 4], [1, 2]);
    const { rows, flips } = compareStep(0, wrong, reference, NO_FLIPS, free);
    expect(verdicts(rows)).toMatchObject({ moe_router_indices: 'diverge' });
    expect(flips.reach).toBeUndefined();
  });

  it('rejects expert ids that are out of range or repeat', () => {
    for (const indices of [
      [0, 3, 0, 1],
      [0, 0, 0, 1],
    ]) {
      const { rows } = compareStep(
        0,
        layer([0.5, 0.3, 0.2, 0.4, 0.4, 0.2], indices, [1, 2, 3, 4], [1, 2]),
        reference,
        NO_FLIPS,
        free,
      );
      expect(verdicts(rows).moe_router_indices).toBe('diverge');
    }
  });

  it('judges the worst position, not the mean of all', () => {
    const values = Array.from({ length: 300 }, () => 1);
    const a = captureMap(captureOf('moe_ffn_out', 0, [300, 16], wide(...values.slice(1), -1)));
    const b = captureMap(captureOf('moe_ffn_out', 0, [300, 16], wide(...values)));
    const row = compareStep(0, a, b, NO_FLIPS, { ...free, stages: ['moe_ffn_out'] }).rows[0];
    expect(row?.cosine).toBeGreaterThan(0.99);
    expect(row).toMatchObject({ verdict: 'diverge', worstPosition: 299, lowestCosine: { value: -1, index: [299, 0] } });
  });

  it('names the position and the value that are wrong, not where a right position is off by most', () => {
    // Two heads, two tokens, four keys: the first token is off by 1 of 1000, the second points elsewhere.
    const a = captureMap(
      captureOf('attn_scores', 0, [2, 2, 4], [1000, 1000, 0, 0, 1, 1, 0, 0, 0.1, 0.1, 0, 0, -0.2, 0.1, 0, 0]),
    );
    const b = captureMap(
      captureOf('attn_scores', 0, [2, 2, 4], [1001, 1000, 0, 0, 1, 1, 0, 0, 0.1, 0.1, 0, 0, 0.4, 0.1, 0, 0]),
    );
    const row = compareStep(0, a, b, NO_FLIPS, { ...free, stages: ['attn_scores'] }).rows[0];
    expect(row).toMatchObject({ verdict: 'diverge', maxAbsIndex: [0, 0, 0], lowestCosine: { index: [1, 1, 0] } });
    expect(row?.cosine).toBeGreaterThan(0.99);
    expect(row?.lowestCosine?.value).toBeLessThan(0);
  });

  it.each([
    [[NaN, 1], [1, 1], 'nan-gpu'],
    [[1, 1], [1, -Infinity], 'nan-cpu'],
    [[NaN, 1], [NaN, 1], 'nan-both'],
    [[NaN, NaN], [NaN, 1], 'nan-gpu'],
  ])('counts what is not finite as divergence: %j against %j is %s', (x, y, verdict) => {
    const row = compareStep(
      0,
      captureMap(captureOf('ffn_norm', 0, [2, 1], x)),
      captureMap(captureOf('ffn_norm', 0, [2, 1], y)),
      NO_FLIPS,
      { ...free, stages: ['ffn_norm'] },
    ).rows[0];
    expect(row?.verdict).toBe(verdict);
  });

  it.each([
    [3, 'diverge'],
    [0.3, 'diverge'],
    [1.14, 'match'],
    [0.88, 'match'],
    [-1, 'diverge'],
  ])('sees a factor of %f, which no cosine does', (factor, verdict) => {
    const a = captureMap(captureOf('moe_ffn_out', 0, [2, 16], [...wide(1), ...wide(3 * factor).with(15, 4 * factor)]));
    const b = captureMap(captureOf('moe_ffn_out', 0, [2, 16], [...wide(1), ...wide(3).with(15, 4)]));
    const row = compareStep(0, a, b, NO_FLIPS, { ...free, stages: ['moe_ffn_out'] }).rows[0];
    expect(row?.verdict).toBe(verdict);
    if (factor > 0 && verdict === 'diverge') {
      expect(row?.worstLength?.value).toBeCloseTo(factor, 6);
      expect(row?.worstLength?.index).toEqual([1, 15]);
    }
  });

  it('judges single values of a position together, and not at all where they are few', () => {
    const gate = (values: readonly number[]) =>
      captureMap(captureOf('ffn_shexp_gate_inp', 0, [values.length, 1], values));
    const context = { ...free, stages: ['ffn_shexp_gate_inp'] } as const;
    const verdictOf = (a: readonly number[], b: readonly number[]) =>
      compareStep(0, gate(a), gate(b), NO_FLIPS, context).rows[0];
    const values = [3, -2, 1, -1, 2, 4, 0.01, -3];
    // What is left of a sum that cancels may be anything, beside what the others are.
    expect(verdictOf(values.with(6, -0.02), values)).toMatchObject({ verdict: 'match', worstPosition: 6 });
    expect(verdictOf(values.with(5, -4), values)).toMatchObject({
      verdict: 'diverge',
      lowestCosine: { value: -1, index: [5, 0] },
    });
    const doubled = values.map((x) => 2 * x);
    expect(verdictOf(doubled, values)).toMatchObject({ verdict: 'diverge', worstLength: { value: 2 } });
    expect(verdictOf(doubled.slice(1), values.slice(1))?.verdict).toBe('match');
    expect(verdictOf([NaN], [1])?.verdict).toBe('nan-gpu');
  });

  it('judges the weights of chosen experts however few they are: no sum that cancels makes them small', () => {
    const weights = (values: readonly number[]) => captureMap(captureOf('moe_router', 0, [1, values.length], values));
    const context = { ...free, stages: ['moe_router'] } as const;
    const verdictOf = (a: readonly number[]) =>
      compareStep(0, weights(a), weights([0.6, 0.4]), NO_FLIPS, context).rows[0]?.verdict;
    expect(verdictOf([0.61, 0.39])).toBe('match');
    expect(verdictOf([0.1, 0.4])).toBe('diverge');
    expect(verdictOf([1.2, 0.8])).toBe('diverge');
  });

  it('reports what is missing, unmeasured and not applicable, never as zeros', () => {
    const a = captureMap(captureOf('ffn_norm', 0, [1, 1], [1]));
    const { rows } = compareStep(0, a, captureMap(), NO_FLIPS, {
      ...free,
      stages: ['qkv_bias', 'ffn_norm', 'moe_ffn_out'],
    });
    expect(rows).toEqual([
      { a: 'gpu', b: 'cpu', mode: 'free', layer: 0, stage: 'qkv_bias', verdict: 'not-applicable', count: 0 },
      { a: 'gpu', b: 'cpu', mode: 'free', layer: 0, stage: 'ffn_norm', verdict: 'missing', count: 0 },
      { a: 'gpu', b: 'cpu', mode: 'free', layer: 0, stage: 'moe_ffn_out', verdict: 'unmeasured', count: 0 },
    ]);
  });
});

describe('compareStep, isolated', () => {
  const isolated: CompareContext = { ...free, mode: 'isolated', stages: ['ffn_norm'] };
  const b = captureMap(captureOf('ffn_norm', 0, [2, 2], [1, 1, 1, 1], { bound: [1e-6, 1e-6, 1e-6, 1e-6] }));

  it('passes errors within the bound and fails one above it, however small', () => {
    const within = captureMap(captureOf('ffn_norm', 0, [2, 2], [1 + 5e-7, 1, 1, 1]));
    const above = captureMap(captureOf('ffn_norm', 0, [2, 2], [1, 1, 1, 1 + 2e-6]));
    expect(compareStep(0, within, b, NO_FLIPS, isolated).rows[0]?.verdict).toBe('match');
    const row = compareStep(0, above, b, NO_FLIPS, isolated).rows[0];
    expect(row).toMatchObject({ verdict: 'diverge', maxRatioIndex: [1, 1] });
    expect(row?.maxRatio).toBeCloseTo(2, 0);
  });
});

describe('compareStep, local', () => {
  const local: CompareContext = { ...free, mode: 'local' };

  it('judges experts by the probabilities that chose them, not by what these should have been', () => {
    // The candidate's own probabilities are off by a rounding that turns the choice: its softmax is to answer for that, not its top-k.
    const own = layer([0.5, 0.25001, 0.24999, 0.4, 0.4, 0.2], [0, 1, 0, 1], [1, 2, 3, 4], [1, 2]);
    const exact = layer([0.5, 0.24999, 0.25001, 0.4, 0.4, 0.2], [0, 1, 0, 1], [1, 2, 3, 4], [1, 2]);
    const chosen = compareStep(0, own, exact, NO_FLIPS, local).rows.find((r) => r.stage === 'moe_router_indices');
    expect(chosen).toMatchObject({ verdict: 'match', flips: [] });
    const wrong = layer([0.5, 0.25001, 0.24999, 0.4, 0.4, 0.2], [0, 2, 0, 1], [1, 2, 3, 4], [1, 2]);
    expect(verdicts(compareStep(0, wrong, exact, NO_FLIPS, local).rows).moe_router_indices).toBe('diverge');
  });
});
