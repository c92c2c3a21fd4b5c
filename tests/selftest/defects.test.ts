import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import type { Defect } from '../../src/ops/defect';
import { SELFTEST_CASES } from '../../src/selftest/all-cases';
import { DEFECTS } from '../../src/selftest/defects';
import { casesOf, runDefects } from '../../src/selftest/run-defect';
import { DEFECT_KINDS } from '../../src/types/define-type';
import { testContext } from '../support/gpu';

/* A self-test that cannot fail proves nothing: it must see every one of these defects. */

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

const named = ({ kernel, type, what }: Defect): string => [kernel, type, what].join(' ');

describe('the list of defects', () => {
  it('has every kind, and some for every kernel that has cases', () => {
    expect(new Set(DEFECTS.map(({ kind }) => kind))).toEqual(new Set(DEFECT_KINDS));
    expect(new Set(DEFECTS.map(({ kernel }) => kernel))).toEqual(new Set(SELFTEST_CASES.map(({ kernel }) => kernel)));
    expect(new Set(DEFECTS.map(named)).size).toBe(DEFECTS.length);
  });

  it.each(DEFECTS.map((defect) => [named(defect), defect] as const))('finds its place: %s', (_, defect) => {
    expect(casesOf(defect, SELFTEST_CASES).length).toBeGreaterThan(0);
    for (const [from, to] of defect.edits) expect(to).not.toBe(from);
  });
});

/** Races that no order in which SwiftShader runs lanes ever loses: hardware has to show them. */
const UNSEEN_ON_SOFTWARE = ['fusions/attention_tiled  maxima written over rows that are read'];

describe('the self-test turns red', () => {
  const kernels = [...new Set(DEFECTS.map(({ kernel }) => kernel))];
  it.each(kernels)('for every defect of %s', { timeout: 600_000 }, async (kernel) => {
    // In one go: the next ones compile meanwhile.
    const own = DEFECTS.filter((defect) => defect.kernel === kernel);
    const outcomes = await runDefects(context, own, SELFTEST_CASES);
    const unseen = context.card.isSoftware ? own.map(named).filter((name) => UNSEEN_ON_SOFTWARE.includes(name)) : [];
    expect(outcomes.filter(({ killedBy }) => killedBy === undefined).map(({ defect }) => named(defect))).toEqual(
      unseen,
    );
    expect(outcomes).toHaveLength(own.length);
  });
});
