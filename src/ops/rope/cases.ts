import { plural } from '../../base/format';
import { ropeBound } from './bound';
import { rope, ropeTable } from './exact';
import { ropeTable as gpuRopeTable } from '../../gpu/engine/rope-table';
import { expectNothing, putFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { ROPE } from './kernel';

const THETA = 1e6;

interface RopeShape {
  readonly tokens: number;
  readonly heads: number;
  readonly headDim: number;
  readonly first: number;
  readonly kind?: InputKind;
}

function ropeCase({ tokens, heads, headDim, first, kind = 'normal' }: RopeShape): SelftestCase {
  const shape = `${plural(tokens, 'token')}, ${plural(heads, 'head')} of ${headDim}, from position ${first}, ${kind}`;
  return plainCase(ROPE, shape, () => {
    const pairs = headDim / 2;
    const x = inputValues(kind, tokens * heads * headDim, 7);
    const yOffset = 2 * heads * headDim;
    const y = new Float64Array(x.length);
    const bound = new Float64Array(x.length);
    for (let t = 0; t < tokens; t++) {
      const table = ropeTable(first + t, THETA, headDim);
      for (let h = 0; h < heads; h++) {
        const at = (t * heads + h) * headDim;
        rope(wide(x), at, table, y, at);
        ropeBound(wide(x), at, table, first + t, bound, at);
      }
    }
    const expected = expectNothing(yOffset + x.length);
    putFloats(expected, yOffset, y, bound);
    const count = tokens * heads * pairs;
    const table = gpuRopeTable(first, tokens, THETA, headDim);
    return laneWork({ x, table }, 'y', expected, { count, pairs, heads, yOffset }, count);
  });
}

const SHAPES: readonly RopeShape[] = [
  { tokens: 1, heads: 1, headDim: 2, first: 0 },
  { tokens: 3, heads: 5, headDim: 14, first: 7 },
  { tokens: 2, heads: 4, headDim: 128, first: 4095 },
  { tokens: 65, heads: 1, headDim: 64, first: 0 },
  { tokens: 3, heads: 2, headDim: 64, first: 100_000 },
  { tokens: 3, heads: 2, headDim: 14, first: 3, kind: 'large' },
  { tokens: 3, heads: 2, headDim: 14, first: 3, kind: 'subnormal' },
];

export const ROPE_CASES: readonly SelftestCase[] = SHAPES.map(ropeCase);
