import { plural } from '../../base/format';
import { seededRandom } from '../../base/random';
import { mostEntries } from '../../gpu/engine/expert-groups';
import { expertRows } from '../../gpu/engine/expert-rows';
import { workList } from '../../gpu/matmul/work-list';
import { expectWords } from '../../selftest/expected';
import type { SelftestCase } from '../../selftest/selftest-case';
import { kernelName } from '../kernel-spec';
import { EXPERT_SLOTS } from './kernel';

interface Grouping {
  readonly tokens: number;
  readonly nUsed: number;
  readonly nExpert: number;
  readonly tile: number;
  /** Experts in the buffer, end excluded. */
  readonly here?: readonly [number, number];
  /** The expert of slot i, where it is not random. */
  readonly expertOf?: (slot: number) => number;
  readonly who: string;
}

/** Words of an expert's matrix: any number that is not 1 or a power of two. */
const EXPERT_WORDS = 48;

/** The list that the GPU makes must be the list that the CPU makes (`work-list.ts`), word for word. */
function groupCase(c: Grouping): SelftestCase {
  const { tokens, nUsed, nExpert, tile, here: [firstExpert, endExpert] = [0, nExpert], who } = c;
  return {
    ...{ kernel: kernelName(EXPERT_SLOTS), types: ['u32'], spec: EXPERT_SLOTS },
    variant: { id: `of ${nExpert}`, constants: { EXPERTS: nExpert } },
    shape: `${plural(tokens, 'token')}, ${nUsed} of ${nExpert} experts, tiles of ${tile}, ${who}`,
    make: () => {
      const count = tokens * nUsed;
      const random = seededRandom(count + nExpert);
      const indices = Uint32Array.from({ length: count }, (_, slot) => c.expertOf?.(slot) ?? random.below(nExpert));
      const entryCount = mostEntries(count, nExpert, tile) + 3;
      const shares = expertRows(indices).map(({ expert, slots }) => ({
        weightWords: EXPERT_WORDS * (expert - firstExpert),
        rows: slots.flatMap((slot) => [Math.floor(slot / nUsed), slot]),
        expert,
      }));
      const list = workList(shares, tile);
      const entries = new Uint32Array(4 * entryCount);
      entries.set(list.entries);
      const experts = shares.flatMap(({ expert, rows }) =>
        Array.from({ length: Math.ceil(rows.length / 2 / tile) }, () => expert),
      );
      for (const [i, expert] of experts.entries()) {
        if (expert >= firstExpert && expert < endExpert) continue;
        entries[4 * i] = 0;
        entries[4 * i + 2] = 0;
      }
      const slotRows = list.rows.map((row, i) => (i % 2 === 0 ? (list.rows[i + 1] ?? 0) : row));
      const params = { count, nUsed, tile, entryCount, firstExpert, endExpert, expertWords: EXPERT_WORDS };
      return {
        inputs: { indices },
        outputs: { entries: 4 * entryCount, tokenRows: 2 * count, slotRows: 2 * count },
        calls: [{ params, grid: [nExpert] }],
        expected: {
          entries: expectWords(entries),
          tokenRows: expectWords(list.rows),
          slotRows: expectWords(slotRows),
        },
      };
    },
  };
}

const GROUPINGS: readonly Grouping[] = [
  { tokens: 1, nUsed: 1, nExpert: 1, tile: 1, who: 'alone' },
  { tokens: 1, nUsed: 8, nExpert: 128, tile: 1, who: 'one token' },
  { tokens: 5, nUsed: 2, nExpert: 3, tile: 8, who: 'at random' },
  { tokens: 128, nUsed: 2, nExpert: 10, tile: 8, here: [3, 7], who: 'of which 3 to 6 are here' },
  { tokens: 257, nUsed: 1, nExpert: 60, tile: 32, who: 'at random' },
  { tokens: 512, nUsed: 8, nExpert: 128, tile: 32, here: [64, 128], who: 'of which the upper half is here' },
  { tokens: 100, nUsed: 1, nExpert: 128, tile: 32, expertOf: () => 0, who: 'all to the first' },
  { tokens: 100, nUsed: 1, nExpert: 128, tile: 32, expertOf: () => 127, who: 'all to the last' },
  { tokens: 257, nUsed: 4, nExpert: 128, tile: 32, who: 'at random' },
  { tokens: 512, nUsed: 8, nExpert: 128, tile: 32, who: 'at random' },
  { tokens: 70, nUsed: 4, nExpert: 300, tile: 8, expertOf: (slot) => (slot * 37) % 300, who: 'spread' },
];

/** Whose rows meet whose matrix. */
export const EXPERT_SLOT_CASES: readonly SelftestCase[] = GROUPINGS.map(groupCase);
