import { f32FromBits } from '../../base/float';
import { seededRandom } from '../../base/random';
import { topK } from './exact';
import { expectWords } from '../../selftest/expected';
import { inputValues, wide } from '../../selftest/inputs';
import { laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { TOP_K } from './kernel';

/** Groups of experts, and those of them that each token may choose from. */
interface Groups {
  readonly count: number;
  readonly open: Uint32Array<ArrayBuffer>;
}

function topKCase(
  shape: string,
  probs: () => Float32Array<ArrayBuffer>,
  nExpert: number,
  nUsed: number,
  groups?: Groups,
): SelftestCase {
  return plainCase(
    TOP_K,
    `${nUsed} of ${nExpert} experts, ${shape}`,
    () => {
      const p = probs();
      const tokens = p.length / nExpert;
      const indices = new Uint32Array(tokens * nUsed);
      const nOpen = groups === undefined ? 0 : groups.open.length / tokens;
      for (let t = 0; t < tokens; t++) {
        const within = groups && { count: groups.count, chosen: groups.open.subarray(t * nOpen, (t + 1) * nOpen) };
        topK(wide(p), t * nExpert, nExpert, nUsed, indices, t * nUsed, within);
      }
      const params = { count: p.length, nExpert, nUsed, groupSize: nExpert / (groups?.count ?? 1), nOpen };
      const open = groups?.open ?? Uint32Array.of(0);
      return laneWork({ probs: p, open }, 'indices', expectWords(indices), params, p.length);
    },
    'u32',
  );
}

/** Values of which many are equal: what is left of probabilities in few bits. */
function withTies(length: number): Float32Array<ArrayBuffer> {
  return inputValues('normal', length, 11).map((v) => Math.round(2 * Math.abs(v)) / 8);
}

/** Zeros of both signs rank alike, subnormals by value, infinity first, NaN last: the kernel compares integers. */
const SPECIAL = (): Float32Array<ArrayBuffer> =>
  Float32Array.of(NaN, -0, 0, 1e-45, -Infinity, Infinity, -1e-45, 1, NaN, NaN, NaN, NaN, NaN, NaN, NaN, NaN);

/** Any bits at all: different experts in range, whatever the router made. */
function anyBits(length: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(17);
  return Float32Array.from({ length }, () => f32FromBits(random.uint32()));
}

export const TOP_K_CASES: readonly SelftestCase[] = [
  topKCase('alone', () => Float32Array.of(0.5), 1, 1),
  topKCase('7 tokens', () => inputValues('normal', 70, 10), 10, 4),
  topKCase('one taken, 3 tokens', () => inputValues('normal', 9, 3), 3, 1),
  topKCase('all taken, 3 tokens', () => inputValues('normal', 9, 3), 3, 3),
  topKCase('5 tokens', () => inputValues('normal', 5 * 64, 64), 64, 1),
  topKCase('5 tokens, ties', () => withTies(5 * 65), 65, 8),
  topKCase('all equal', () => new Float32Array(60).fill(1 / 60), 60, 8),
  topKCase('40 tokens', () => inputValues('normal', 40 * 128, 128), 128, 8),
  topKCase('zeros of both signs, subnormals, infinities, NaN', SPECIAL, 8, 6),
  topKCase('the same, all taken', SPECIAL, 8, 8),
  topKCase('2 of 4 groups, 5 tokens', () => inputValues('normal', 60, 12), 12, 3, {
    count: 4,
    open: Uint32Array.of(0, 3, 2, 1, 1, 3, 3, 2, 0, 1),
  }),
  topKCase('all of 1 of 3 groups, NaN', () => SPECIAL().subarray(0, 12).slice(), 12, 4, {
    count: 3,
    open: Uint32Array.of(2),
  }),
  topKCase('4 of 8 groups, ties', () => withTies(3 * 64), 64, 8, {
    count: 8,
    open: Uint32Array.of(0, 1, 2, 3, 7, 6, 5, 4, 1, 3, 5, 7),
  }),
  topKCase('30 tokens of any bits', () => anyBits(30 * 12), 12, 5),
];
