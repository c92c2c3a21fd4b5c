import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { linearGrid } from '../../../src/ops/kernel-grid';
import { attentionScoresVariant } from '../../../src/ops/attention-scores/kernel';
import { NO_WINDOW } from '../../../src/ops/softmax/kernel';
import { ATTENTION_TILED, tiledVariant } from '../../../src/fusions/attention-tiled/kernel';
import { getPipeline } from '../../../src/gpu/pipelines';
import { runAlone } from '../../../src/gpu/probe/run-alone';
import { UNWRITTEN_BITS } from '../../../src/gpu/probe/guarded';
import { testContext } from '../../support/gpu';
import { inputValues as values, type InputKind } from '../../../src/selftest/inputs';
import { runFloats, runKernel } from './support';

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
      const pipeline = await getPipeline(context, ATTENTION_TILED, tiledVariant(headDim)!);
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
      const softmax = {
        rows,
        rowLength: nKeys,
        rowsPerToken: nHead,
        causal: 1,
        firstPosition: past,
        window: NO_WINDOW,
        hasSinks: 0,
      };
      const p = await runFloats(
        context,
        'softmax',
        { x: scores, sinks: scores },
        rows * nKeys,
        softmax,
        linearGrid(rows, 1),
      );
      const count = rows * headDim;
      const grid = linearGrid(count, 64);
      const expected = await runKernel(
        context,
        'attnValues',
        { p, values: v },
        count,
        { ...stored, window: NO_WINDOW, count },
        grid,
      );

      const blocks = Math.ceil(tokens / 32);
      const common = { rows: tokens, nHead, headsPerKv, nKeys, firstPosition: past, scale };
      const run = async (firstBlock: number, width: number): Promise<Uint32Array> => {
        const calls = [{ params: { ...common, firstBlock }, grid: [width, nHead] as const }];
        const { y } = await runAlone(context, pipeline, {
          inputs: { q, keys, values: v },
          outputs: { y: count },
          calls,
        });
        expect(y?.strayAt).toBeUndefined();
        return y?.words ?? new Uint32Array();
      };
      for (let firstBlock = 0; firstBlock < blocks; firstBlock++) {
        const words = await run(firstBlock, 1);
        const [from, to] = [
          firstBlock * 32 * nHead * headDim,
          Math.min(tokens, (firstBlock + 1) * 32) * nHead * headDim,
        ];
        expect(words.slice(from, to)).toEqual(expected.slice(from, to));
        words.forEach((word, i) => {
          if (i < from || i >= to) expect(word).toBe(UNWRITTEN_BITS);
        });
      }
      expect(await run(0, blocks)).toEqual(expected);
    },
  );
});
