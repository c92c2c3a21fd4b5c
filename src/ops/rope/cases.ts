import { plural } from '../../base/format';
import { ropeBound } from './bound';
import { pairSteps, rope, ropeTable, type RopeAttrs } from './exact';
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
  /** By default NEOX pairs over the whole head, unscaled. */
  readonly attrs?: Partial<RopeAttrs>;
}

function ropeCase({ tokens, heads, headDim, first, kind = 'normal', attrs: given = {} }: RopeShape): SelftestCase {
  const attrs: RopeAttrs = { theta: THETA, dims: headDim, pairing: 'neox', ...given };
  const { dims, pairing, scaling } = attrs;
  const turned = dims === headDim ? '' : `, ${dims} of them turn`;
  const how = `${turned}, ${pairing}${scaling === undefined ? '' : ` ${scaling.kind} ${scaling.factor}`}`;
  const shape = `${plural(tokens, 'token')}, ${plural(heads, 'head')} of ${headDim}${how}, from position ${first}, ${kind}`;
  return plainCase(ROPE, shape, () => {
    const pairs = dims / 2;
    const x = inputValues(kind, tokens * heads * headDim, 7);
    const yOffset = 2 * heads * headDim;
    const y = new Float64Array(x.length);
    const bound = new Float64Array(x.length);
    for (let t = 0; t < tokens; t++) {
      const table = ropeTable(first + t, attrs);
      for (let h = 0; h < heads; h++) {
        const at = (t * heads + h) * headDim;
        rope(wide(x), at, table, y, at, headDim, pairing);
        ropeBound(wide(x), at, table, first + t, bound, at, headDim, pairing);
      }
    }
    const expected = expectNothing(yOffset + x.length);
    putFloats(expected, yOffset, y, bound);
    const count = tokens * heads * (headDim - pairs);
    const table = gpuRopeTable(first, tokens, attrs);
    return laneWork({ x, table }, 'y', expected, { count, pairs, heads, headDim, ...pairSteps(attrs), yOffset }, count);
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
  { tokens: 5, heads: 3, headDim: 24, first: 9, attrs: { dims: 12 } },
  { tokens: 3, heads: 2, headDim: 26, first: 70, attrs: { pairing: 'norm' } },
  { tokens: 2, heads: 3, headDim: 32, first: 17, attrs: { dims: 10, pairing: 'norm' } },
  { tokens: 3, heads: 2, headDim: 64, first: 5000, attrs: { scaling: { kind: 'linear', factor: 4, attnFactor: 1 } } },
  {
    ...{ tokens: 3, heads: 2, headDim: 64, first: 5000 },
    attrs: { scaling: { kind: 'yarn', factor: 4, attnFactor: 0.9, originalContext: 2048 } },
  },
];

export const ROPE_CASES: readonly SelftestCase[] = SHAPES.map(ropeCase);
