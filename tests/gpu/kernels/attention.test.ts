import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { linearGrid } from '../../../src/ops/kernel-grid';
import { attentionScoresVariant } from '../../../src/ops/attention-scores/kernel';
import { attentionTiledVariant, KERNEL_TABLE } from '../../../src/gpu/kernel-table';
import { UNWRITTEN_BITS } from '../../../src/gpu/probe/guarded';
import { testContext } from '../../support/gpu';
import { inputValues as values, type InputKind } from '../../../src/selftest/inputs';
import { expectWithin, FLUSH, runFloats, runKernel, U } from './support';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

interface Shape {
  readonly tokens: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly past: number;
  readonly kind?: InputKind;
}

const SHAPES: readonly Shape[] = [
  { tokens: 1, nHead: 1, nHeadKv: 1, headDim: 2, past: 0 },
  { tokens: 5, nHead: 5, nHeadKv: 1, headDim: 14, past: 0 },
  { tokens: 3, nHead: 4, nHeadKv: 2, headDim: 64, past: 61 },
  { tokens: 2, nHead: 6, nHeadKv: 6, headDim: 32, past: 63 },
  { tokens: 1, nHead: 8, nHeadKv: 2, headDim: 128, past: 64 },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 10, past: 2, kind: 'large' },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 10, past: 2, kind: 'subnormal' },
];

describe.each(KERNEL_TABLE.attnScores.variants)('attn_scores by $id', (variant) => {
  const fitting = SHAPES.filter(({ headDim }) => variant.id === 'ones' || headDim % 4 === 0);
  it.each(fitting)('of $tokens tokens, $nHead heads on $nHeadKv of $headDim, $past past', async (shape) => {
    const { tokens, nHead, nHeadKv, headDim, past, kind = 'normal' } = shape;
    const nKeys = past + tokens;
    const q = values(kind, tokens * nHead * headDim, 1);
    const keys = values(kind, (nKeys + 3) * nHeadKv * headDim, 2);
    const scale = 1 / Math.sqrt(headDim);
    const count = tokens * nHead * nKeys;
    const params = { nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition: past, future: nKeys, scale };
    const grid = [Math.ceil(nKeys / 64), tokens * nHead] as const;
    const y = await runFloats(context, 'attnScores', { q, keys }, count, params, grid, variant);
    const expected = new Float64Array(count);
    const magnitude = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const [row, key] = [Math.floor(i / nKeys), i % nKeys];
      const headKv = Math.floor((row % nHead) / (nHead / nHeadKv));
      for (let d = 0; d < headDim; d++) {
        const term = (q[row * headDim + d] ?? NaN) * (keys[(key * nHeadKv + headKv) * headDim + d] ?? NaN) * scale;
        expected[i] = (expected[i] ?? 0) + term;
        magnitude[i] = (magnitude[i] ?? 0) + Math.abs(term);
      }
    }
    expectWithin(y, expected, (i) => (headDim + 3) * U * (magnitude[i] ?? 0) + headDim * FLUSH);

    // Without the future, the rest has the same bits and what the mask hides is left alone.
    const future = { ...params, future: 0 };
    const causal = await runKernel(context, 'attnScores', { q, keys }, count, future, grid, variant);
    const all = new Uint32Array(y.buffer);
    causal.forEach((word, i) => {
      const visible = i % nKeys <= past + Math.floor(i / nKeys / nHead);
      expect(word).toBe(visible ? all[i] : UNWRITTEN_BITS);
    });
  });
});

describe.each([
  { name: 'attnValues', perGroup: 64 },
  { name: 'attnValuesSplit', perGroup: 16 },
] as const)('$name', ({ name, perGroup }) => {
  it.each(SHAPES)('of $tokens tokens, $nHead heads on $nHeadKv of $headDim, $past past', async (shape) => {
    const { tokens, nHead, nHeadKv, headDim, past, kind = 'normal' } = shape;
    const nKeys = past + tokens;
    const p = values('normal', tokens * nHead * nKeys, 3).map(Math.abs);
    const v = values(kind, (nKeys + 3) * nHeadKv * headDim, 4);
    const count = tokens * nHead * headDim;
    const expected = new Float64Array(count);
    const magnitude = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const [row, d] = [Math.floor(i / headDim), i % headDim];
      const headKv = Math.floor((row % nHead) / (nHead / nHeadKv));
      for (let key = 0; key <= past + Math.floor(row / nHead); key++) {
        const term = (p[row * nKeys + key] ?? NaN) * (v[(key * nHeadKv + headKv) * headDim + d] ?? NaN);
        expected[i] = (expected[i] ?? 0) + term;
        magnitude[i] = (magnitude[i] ?? 0) + Math.abs(term);
      }
    }
    // Beyond the keys of the step, and where the mask hides them, lies poison.
    v.fill(NaN, nKeys * nHeadKv * headDim);
    for (let i = 0; i < p.length; i++) if (i % nKeys > past + Math.floor(i / nKeys / nHead)) p[i] = NaN;
    const params = { count, nHead, headsPerKv: nHead / nHeadKv, headDim, nKeys, firstPosition: past };
    const y = await runFloats(context, name, { p, values: v }, count, params, linearGrid(count, perGroup));
    expectWithin(y, expected, (i) => (nKeys + 1) * U * (magnitude[i] ?? 0) + nKeys * FLUSH);
  });
});

/** Heads of a size that attention_tiled takes; more keys than a tile, and more rows than a block. */
const TILED: readonly Shape[] = [
  { tokens: 1, nHead: 1, nHeadKv: 1, headDim: 32, past: 0 },
  { tokens: 33, nHead: 2, nHeadKv: 1, headDim: 32, past: 0 },
  { tokens: 70, nHead: 4, nHeadKv: 2, headDim: 32, past: 61 },
  { tokens: 31, nHead: 3, nHeadKv: 3, headDim: 32, past: 128, kind: 'large' },
  { tokens: 5, nHead: 2, nHeadKv: 1, headDim: 32, past: 64, kind: 'zero' },
  { tokens: 40, nHead: 4, nHeadKv: 2, headDim: 64, past: 25 },
];

describe('attention_tiled', () => {
  it.each(TILED)(
    'has the bits of scores, softmax and values: $tokens tokens, $nHead heads on $nHeadKv of $headDim, $past past',
    async (shape) => {
      const { tokens, nHead, nHeadKv, headDim, past, kind = 'normal' } = shape;
      const nKeys = past + tokens;
      const headsPerKv = nHead / nHeadKv;
      const scale = 1 / Math.sqrt(headDim);
      const q = values(kind, tokens * nHead * headDim, 1);
      const keys = values(kind, (nKeys + 3) * nHeadKv * headDim, 2);
      const v = values('normal', (nKeys + 3) * nHeadKv * headDim, 3);
      // A value that only the last token sees, and what lies beyond the keys, must not reach other rows.
      keys.fill(NaN, nKeys * nHeadKv * headDim);
      v.fill(NaN, (nKeys - 1) * nHeadKv * headDim);
      const tiled = attentionTiledVariant(headDim);
      const stored = { nHead, headsPerKv, headDim, nKeys, firstPosition: past };

      const rows = tokens * nHead;
      const scores = await runFloats(
        context,
        'attnScores',
        { q, keys },
        rows * nKeys,
        { ...stored, future: 0, scale },
        [Math.ceil(nKeys / 64), rows],
        attentionScoresVariant(headDim),
      );
      const softmax = { rows, rowLength: nKeys, rowsPerToken: nHead, causal: 1, firstPosition: past };
      const p = await runFloats(context, 'softmax', { x: scores }, rows * nKeys, softmax, linearGrid(rows, 1));
      const count = rows * headDim;
      const grid = linearGrid(count, 64);
      const expected = await runKernel(context, 'attnValues', { p, values: v }, count, { ...stored, count }, grid);

      const blocks = Math.ceil(tokens / 32);
      for (let firstBlock = 0; firstBlock < blocks; firstBlock++) {
        const some = { rows: tokens, nHead, headsPerKv, nKeys, firstPosition: past, firstBlock, scale };
        const words = await runKernel(
          context,
          'attentionTiled',
          { q, keys, values: v },
          count,
          some,
          [1, nHead],
          tiled,
        );
        const [from, to] = [
          firstBlock * 32 * nHead * headDim,
          Math.min(tokens, (firstBlock + 1) * 32) * nHead * headDim,
        ];
        expect(words.slice(from, to)).toEqual(expected.slice(from, to));
        words.forEach((word, i) => {
          if (i < from || i >= to) expect(word).toBe(UNWRITTEN_BITS);
        });
      }
      const all = { rows: tokens, nHead, headsPerKv, nKeys, firstPosition: past, firstBlock: 0, scale };
      const whole = await runKernel(
        context,
        'attentionTiled',
        { q, keys, values: v },
        count,
        all,
        [blocks, nHead],
        tiled,
      );
      expect(whole).toEqual(expected);
    },
  );
});
