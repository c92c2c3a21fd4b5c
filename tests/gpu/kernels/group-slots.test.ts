import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random';
import type { GpuContext } from '../../../src/gpu/device';
import { mostEntries } from '../../../src/gpu/engine/expert-groups';
import { expertRows } from '../../../src/gpu/engine/expert-rows';
import { KERNEL_TABLE } from '../../../src/gpu/kernel-table';
import { workList } from '../../../src/gpu/matmul/work-list';
import { getPipeline } from '../../../src/gpu/pipelines';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, upload } from '../../../src/gpu/probe/guarded';
import { readGuarded, testContext } from '../../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

interface Grouping {
  readonly tokens: number;
  readonly nUsed: number;
  readonly nExpert: number;
  readonly tile: number;
  /** Experts in the buffer, end excluded. */
  readonly here?: readonly [number, number];
  /** The expert of slot i, where it is not random. */
  readonly expertOf?: (slot: number) => number;
}

const CASES: readonly Grouping[] = [
  { tokens: 1, nUsed: 1, nExpert: 1, tile: 1 },
  { tokens: 1, nUsed: 8, nExpert: 128, tile: 1 },
  { tokens: 5, nUsed: 2, nExpert: 3, tile: 8 },
  { tokens: 128, nUsed: 2, nExpert: 10, tile: 8, here: [3, 7] },
  { tokens: 257, nUsed: 1, nExpert: 60, tile: 32 },
  { tokens: 512, nUsed: 8, nExpert: 128, tile: 32 },
  { tokens: 512, nUsed: 8, nExpert: 128, tile: 32, here: [64, 128] },
  { tokens: 100, nUsed: 1, nExpert: 128, tile: 32, expertOf: () => 0 },
  { tokens: 100, nUsed: 1, nExpert: 128, tile: 32, expertOf: () => 127 },
  { tokens: 70, nUsed: 4, nExpert: 300, tile: 8, expertOf: (slot) => (slot * 37) % 300 },
];

describe('group_slots', () => {
  it.each(CASES)(
    'makes the list that the CPU makes: $tokens tokens, $nUsed of $nExpert experts, tiles of $tile, $here',
    async (c) => {
      const { tokens, nUsed, nExpert, tile, here: [firstExpert, endExpert] = [0, c.nExpert] } = c;
      const count = tokens * nUsed;
      const random = seededRandom(count + nExpert);
      const indices = Uint32Array.from({ length: count }, (_, slot) => c.expertOf?.(slot) ?? random.below(nExpert));
      const entryCount = mostEntries(count, nExpert, tile) + 3;
      const actual = await group(
        indices,
        { count, nUsed, tile, entryCount, firstExpert, endExpert, expertWords: 48 },
        nExpert,
      );

      const shares = expertRows(indices).map(({ expert, slots }) => ({
        weightWords: 48 * (expert - firstExpert),
        rows: slots.flatMap((slot) => [Math.floor(slot / nUsed), slot]),
        expert,
      }));
      const list = workList(shares, tile);
      expect(actual.tokenRows).toEqual(list.rows);
      expect(actual.slotRows).toEqual(list.rows.map((row, i) => (i % 2 === 0 ? (list.rows[i + 1] ?? 0) : row)));
      const experts = shares.flatMap(({ expert, rows }) =>
        Array.from({ length: Math.ceil(rows.length / 2 / tile) }, () => expert),
      );
      const expected = new Uint32Array(4 * entryCount);
      expected.set(list.entries);
      for (const [i, expert] of experts.entries()) {
        if (expert >= firstExpert && expert < endExpert) continue;
        expected[4 * i] = 0;
        expected[4 * i + 2] = 0;
      }
      expect(actual.entries).toEqual(expected);
    },
  );

  it('has room for the longest list', () => {
    // One row more than a whole number of tiles for every expert.
    expect(mostEntries(10 * 9, 10, 8)).toBe(20);
    expect(mostEntries(3, 128, 8)).toBe(3);
    expect(mostEntries(4096, 1, 32)).toBe(128);
  });
});

async function group(
  indices: Uint32Array<ArrayBuffer>,
  params: Readonly<Record<keyof typeof KERNEL_TABLE.groupSlots.params, number>>,
  nExpert: number,
) {
  const kernel = KERNEL_TABLE.groupSlots;
  const pipeline = await getPipeline(context, kernel, { id: 'test', constants: { EXPERTS: nExpert } });
  const recorder = new Recorder(context);
  const input = upload(context, indices);
  const entries = guardedOutput(context, 4 * params.entryCount);
  const tokenRows = guardedOutput(context, 2 * params.count);
  const slotRows = guardedOutput(context, 2 * params.count);
  return context.step(async () => {
    recorder.dispatch(pipeline, { indices: input, entries, tokenRows, slotRows }, params, [nExpert]);
    recorder.submit();
    recorder.dispose();
    return {
      entries: await readGuarded(context, entries),
      tokenRows: await readGuarded(context, tokenRows),
      slotRows: await readGuarded(context, slotRows),
    };
  });
}
