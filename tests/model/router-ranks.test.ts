import { expect, it } from 'vitest';
import { compareIndices, routerMargins } from '../../src/divergence/compare-indices';
import type { Capture } from '../../src/model/engine';
import { isOutside, routerRanks } from '../../src/model/router-ranks';

/** A token's values, or its chosen groups or experts. */
const floats = (stage: string, ...rows: readonly (readonly number[])[]): Capture =>
  captureOf(stage, Float32Array, rows);
const ids = (stage: string, ...rows: readonly (readonly number[])[]): Capture => captureOf(stage, Uint32Array, rows);

function captureOf(
  stage: string,
  Of: typeof Float32Array | typeof Uint32Array,
  rows: readonly (readonly number[])[],
): Capture {
  const positions = rows.map((_, row) => row);
  return { stage, layer: 1, positions, shape: [rows.length, rows[0]?.length ?? 0], data: Of.from(rows.flat()) };
}

/** Six experts in three groups of two, of which two are chosen. */
function captures(probs: readonly number[], groups: readonly number[]): ReadonlyMap<string, Capture> {
  const scores = [0, 2, 4].map((at) => (probs[at] ?? NaN) + (probs[at + 1] ?? NaN));
  const made = [
    floats('moe_router_probs_biased', probs),
    floats('moe_group_scores', scores),
    ids('moe_group_indices', groups),
  ];
  return new Map(made.map((captured) => [captured.stage, captured]));
}

const PROBS = [0.5, 0.4, 0.9, 0.1, 0.6, 0.35];

it('experts of groups that were not chosen rank below all others', () => {
  const ranks = routerRanks(captures(PROBS, [1, 2]));
  expect([...(ranks?.data ?? [])].map(isOutside)).toEqual([true, true, false, false, false, false]);
  expect(ranks?.data.slice(2)).toEqual(Float32Array.from(PROBS.slice(2)));
});

it('without groups, ranks are the values', () => {
  const all = captures(PROBS, [1, 2]);
  const probs = all.get('moe_router_probs_biased');
  expect(routerRanks(new Map(probs === undefined ? [] : [[probs.stage, probs]]))).toBe(probs);
});

it('a margin is to the best that could have been chosen', () => {
  const ranks = routerRanks(captures(PROBS, [1, 2]));
  expect(ranks && routerMargins(ranks, 2)[0]).toBeCloseTo(0.6 - 0.35);
  expect(ranks && routerMargins(ranks, 4)[0]).toBeCloseTo(0.1);
});

it('a choice outside of the chosen groups is its own fault, however large the value', () => {
  const ranks = routerRanks(captures(PROBS, [0, 2]));
  const probs = { a: undefined, b: ranks };
  const [flip] = compareIndices(ids('x', [2, 4]), ids('x', [4, 0]), 6, probs).flips;
  expect(flip).toMatchObject({ onlyA: [2], onlyB: [0], explained: false });
});

it('other groups on both sides explain other experts, and are no drift of theirs', () => {
  const other = PROBS.map((p, e) => (e === 1 ? p - 1e-3 : p));
  const probs = { a: routerRanks(captures(other, [1, 2])), b: routerRanks(captures(PROBS, [1, 0])) };
  const [flip] = compareIndices(ids('x', [2, 4]), ids('x', [2, 0]), 6, probs).flips;
  expect(flip).toMatchObject({ onlyA: [4], onlyB: [0], explained: true, drift: 0 });
});

it('a worse expert of groups that both chose is a fault', () => {
  const both = routerRanks(captures(PROBS, [1, 2]));
  const [flip] = compareIndices(ids('x', [2, 5]), ids('x', [2, 4]), 6, { a: both, b: both }).flips;
  expect(flip).toMatchObject({ onlyA: [5], onlyB: [4], explained: false });
});
