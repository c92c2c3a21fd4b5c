import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { readHParams } from '../../src/model/read-hparams';
import type { ModelWish } from '../../src/synthetic/make-recipe';
import { forward, range, type Forward } from '../cpu/support';
import { openMade } from './support';

/* What the scales are chosen for: a forward pass that behaves like a trained model's. */

const N_TOKENS = 48;
const STAGES = [
  'attn_out',
  'moe_ffn_out',
  'moe_router_probs',
  'moe_router_indices',
  'post_ffn_residual',
  'lm_head',
] as const;

interface Run extends Forward {
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nVocab: number;
}

async function runOf(wish: Partial<ModelWish>): Promise<Run> {
  const model = await openMade(wish);
  const hparams = readHParams(model);
  const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const random = seededRandom(11);
  const tokens = Uint32Array.from({ length: N_TOKENS }, () => random.below(hparams.nVocab - 3));
  const positions = range(N_TOKENS);
  const captures = await forward(engine, hparams, tokens, { capture: new Map(STAGES.map((s) => [s, positions])) });
  await engine.dispose();
  const { nLayer, nEmbd, nExpert, nExpertUsed, nVocab } = hparams;
  return { ...captures, nLayer, nEmbd, nExpert, nExpertUsed, nVocab };
}

function rms(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0) / values.length);
}

const RUNS: readonly (readonly [string, Partial<ModelWish>])[] = [
  ['tiny', {}],
  ['tied', { tied: true }],
  [
    '48 layers of 128 experts',
    {
      shape: 'qwen3-30b-a3b',
      type: 'Q8_0',
      sizes: { nEmbd: 128, nHead: 4, nHeadKv: 2, headDim: 32, nFfExp: 64, nVocab: 1024 },
    },
  ],
];

describe.each(RUNS)('%s', (_, wish) => {
  const run = runOf(wish);

  it('keeps the residual stream within bounds, position by position', async () => {
    const { captured, nLayer, nEmbd } = await run;
    for (let layer = 0; layer < nLayer; layer++) {
      const { data } = captured('post_ffn_residual', layer);
      for (let p = 0; p < N_TOKENS; p++) {
        const size = rms(data.subarray(p * nEmbd, (p + 1) * nEmbd));
        expect(size).toBeGreaterThan(0.3);
        expect(size).toBeLessThan(15);
      }
    }
  });

  it('lets attention and experts both count', async () => {
    const { captured, nLayer } = await run;
    for (let layer = 0; layer < nLayer; layer++) {
      const share = rms(captured('attn_out', layer).data) / rms(captured('moe_ffn_out', layer).data);
      expect(share).toBeGreaterThan(0.15);
      expect(share).toBeLessThan(3);
    }
  });

  it('uses the experts evenly in every layer', async () => {
    const { captured, nLayer, nExpert, nExpertUsed } = await run;
    const draws = N_TOKENS * nExpertUsed;
    // As many experts as that many draws would hit if all were alike, less a fifth.
    const expected = nExpert * (1 - (1 - 1 / nExpert) ** draws);
    for (let layer = 0; layer < nLayer; layer++) {
      const counts = new Map<number, number>();
      for (const e of captured('moe_router_indices', layer).data) counts.set(e, (counts.get(e) ?? 0) + 1);
      expect(counts.size).toBeGreaterThan(0.8 * expected);
      expect(Math.max(...counts.values())).toBeLessThan(Math.max(0.5, (2 * nExpertUsed) / nExpert) * N_TOKENS);
    }
  });

  it('routes with margins that are no ties', async () => {
    const { captured, nLayer, nExpert, nExpertUsed } = await run;
    const margins: number[] = [];
    for (let layer = 0; layer < nLayer; layer++) {
      const probs = captured('moe_router_probs', layer).data;
      for (let p = 0; p < N_TOKENS; p++) {
        const row = [...probs.subarray(p * nExpert, (p + 1) * nExpert)].sort((a, b) => b - a);
        const last = row[nExpertUsed - 1] ?? 0;
        margins.push((last - (row[nExpertUsed] ?? 0)) / last);
      }
    }
    margins.sort((a, b) => a - b);
    expect(margins[0]).toBeGreaterThan(0);
    expect(margins[Math.floor(margins.length / 2)]).toBeGreaterThan(0.05);
  });

  it('has finite logits that differ between positions', async () => {
    const { captured, nVocab } = await run;
    const data = Float32Array.from(captured('lm_head').data);
    expect(data.every(Number.isFinite)).toBe(true);
    expect(rms(data)).toBeGreaterThan(2);
    expect(rms(data)).toBeLessThan(5);
    const best = range(N_TOKENS).map((p) => {
      const row = data.subarray(p * nVocab, (p + 1) * nVocab);
      return Array.from(row).indexOf(row.reduce((a: number, b: number) => Math.max(a, b), -Infinity));
    });
    expect(new Set(best).size).toBeGreaterThan(N_TOKENS / 2);
  });
});
