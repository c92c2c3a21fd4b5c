import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { SELFTEST_CASES } from '../../src/selftest/all-cases';
import { MUTATION_KINDS, MUTATIONS, type Mutation } from '../../src/selftest/mutations';
import { casesOf, runMutations, type MutationOutcome } from '../../src/selftest/run-mutation';
import { testContext } from '../support/gpu';
import { mutationTable } from './mutation-table';

/* A self-test that cannot fail proves nothing: it must see every one of these defects. */

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

const named = (mutation: Mutation): string => `${mutation.kernel} ${mutation.type ?? ''}: ${mutation.what}`;

describe('the list of defects', () => {
  it('has at least 30, of every kind, for every kernel that has cases', () => {
    expect(MUTATIONS.length).toBeGreaterThanOrEqual(30);
    expect(new Set(MUTATIONS.map(({ kind }) => kind))).toEqual(new Set(MUTATION_KINDS));
    expect(new Set(MUTATIONS.map(({ kernel }) => kernel))).toEqual(new Set(SELFTEST_CASES.map(({ kernel }) => kernel)));
    expect(new Set(MUTATIONS.map(named)).size).toBe(MUTATIONS.length);
  });

  it('is the list of docs/selftest.md', () => {
    const squeezed = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');
    const docs = squeezed(readFileSync(new URL('../../docs/selftest.md', import.meta.url), 'utf8'));
    for (const line of mutationTable().split('\n')) expect(docs).toContain(squeezed(line));
  });

  it.each(MUTATIONS.map((mutation) => [named(mutation), mutation] as const))('finds its place: %s', (_, mutation) => {
    expect(casesOf(mutation, SELFTEST_CASES).length).toBeGreaterThan(0);
    expect(mutation.to).not.toBe(mutation.from);
  });
});

describe('the self-test turns red', () => {
  const outcomes = new Map<Mutation, MutationOutcome>();
  beforeAll(async () => {
    // In one go: the next ones compile meanwhile.
    for (const outcome of await runMutations(context, MUTATIONS, SELFTEST_CASES))
      outcomes.set(outcome.mutation, outcome);
  }, 300_000);

  it.each(MUTATIONS.map((mutation) => [named(mutation), mutation] as const))('%s', (_, mutation) => {
    expect(outcomes.get(mutation)?.killedBy).toBeDefined();
  });
});
