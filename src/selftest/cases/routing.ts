import { plural } from '../../base/format';
import { seededRandom } from '../../base/random';
import { normaliseBound } from '../../ops/normalise/bound';
import { normalise } from '../../ops/normalise/exact';
import { topK } from '../../ops/top-k/exact';
import { mostEntries } from '../../gpu/engine/expert-groups';
import { expertRows } from '../../gpu/engine/expert-rows';
import { linearGrid } from '../../ops/kernel-grid';
import { KERNEL_TABLE } from '../../gpu/kernel-table';
import { workList } from '../../gpu/matmul/work-list';
import { expectFloats, expectWords } from '../expected';
import { inputValues, wide } from '../inputs';
import type { SelftestCase } from '../selftest-case';

const LANES = 64;

function topKCase(shape: string, probs: () => Float32Array<ArrayBuffer>, nExpert: number, nUsed: number): SelftestCase {
  const spec = KERNEL_TABLE.topK;
  return {
    ...{ kernel: 'top_k', types: ['u32'], spec, variant: spec.variants[0] },
    shape: `${nUsed} of ${nExpert} experts, ${shape}`,
    make: () => {
      const p = probs();
      const tokens = p.length / nExpert;
      const indices = new Uint32Array(tokens * nUsed);
      for (let t = 0; t < tokens; t++) topK(wide(p), t * nExpert, nExpert, nUsed, indices, t * nUsed);
      return {
        inputs: { probs: p },
        outputs: { indices: indices.length },
        calls: [{ params: { count: p.length, nExpert, nUsed }, grid: linearGrid(p.length, LANES) }],
        expected: { indices: expectWords(indices) },
      };
    },
  };
}

/** Values of which many are equal: what is left of probabilities in few bits. */
function withTies(length: number): Float32Array<ArrayBuffer> {
  return inputValues('normal', length, 11).map((v) => Math.round(2 * Math.abs(v)) / 8);
}

/** Zeros of both signs rank alike, subnormals by value, infinity first, NaN last: the kernel compares integers. */
const SPECIAL = (): Float32Array<ArrayBuffer> =>
  Float32Array.of(NaN, -0, 0, 1e-45, -Infinity, Infinity, -1e-45, 1, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN);

function renormaliseCase(
  shape: string,
  nExpert: number,
  nUsed: number,
  values: () => Float32Array<ArrayBuffer>,
): SelftestCase {
  const spec = KERNEL_TABLE.renormalise;
  return {
    ...{ kernel: 'normalise', types: ['f32'], spec, variant: spec.variants[0] },
    shape: `${nUsed} of ${nExpert} experts, ${shape}`,
    make: () => {
      const p = values();
      const tokens = p.length / nExpert;
      const indices = new Uint32Array(tokens * nUsed);
      const weights = new Float64Array(indices.length);
      const bounds = new Float64Array(indices.length);
      for (let t = 0; t < tokens; t++) {
        topK(wide(p), t * nExpert, nExpert, nUsed, indices, t * nUsed);
        normalise(wide(p), t * nExpert, indices, t * nUsed, nUsed, weights, t * nUsed);
        normaliseBound(wide(p), t * nExpert, indices, t * nUsed, nUsed, bounds, t * nUsed);
      }
      const count = indices.length;
      return {
        inputs: { p, indices },
        outputs: { weights: count },
        calls: [{ params: { count, nExpert, nUsed }, grid: linearGrid(count, LANES) }],
        expected: { weights: expectFloats(weights, bounds) },
      };
    },
  };
}

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
  const spec = KERNEL_TABLE.groupSlots;
  return {
    ...{ kernel: 'expert_linear_slots', types: ['u32'], spec },
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

/** Which experts, with what weights, and whose rows meet whose matrix. */
export const ROUTING_CASES: readonly SelftestCase[] = [
  topKCase('alone', () => Float32Array.of(0.5), 1, 1),
  topKCase('7 tokens', () => inputValues('normal', 70, 10), 10, 4),
  topKCase('all taken, 3 tokens', () => inputValues('normal', 9, 3), 3, 3),
  topKCase('5 tokens, ties', () => withTies(5 * 65), 65, 8),
  topKCase('all equal', () => new Float32Array(60).fill(1 / 60), 60, 8),
  topKCase('40 tokens', () => inputValues('normal', 40 * 128, 128), 128, 8),
  topKCase('zeros of both signs, subnormals, infinities, NaN', SPECIAL, 8, 6),
  renormaliseCase('5 tokens', 10, 4, () => inputValues('normal', 50, 12).map(Math.abs)),
  renormaliseCase('33 tokens', 3, 3, () => inputValues('normal', 99, 13).map(Math.abs)),
  renormaliseCase('sum below 2^-14', 4, 2, () => Float32Array.of(2 ** -20, 2 ** -22, 0, 2 ** -21)),
  ...(
    [
      { tokens: 1, nUsed: 1, nExpert: 1, tile: 1, who: 'alone' },
      { tokens: 5, nUsed: 2, nExpert: 3, tile: 8, who: 'at random' },
      { tokens: 128, nUsed: 2, nExpert: 10, tile: 8, here: [3, 7], who: 'of which 3 to 6 are here' },
      { tokens: 100, nUsed: 1, nExpert: 128, tile: 32, expertOf: () => 127, who: 'all to the last' },
      { tokens: 257, nUsed: 4, nExpert: 128, tile: 32, who: 'at random' },
      { tokens: 70, nUsed: 4, nExpert: 300, tile: 8, expertOf: (slot) => (slot * 37) % 300, who: 'spread' },
    ] satisfies readonly Grouping[]
  ).map(groupCase),
];
