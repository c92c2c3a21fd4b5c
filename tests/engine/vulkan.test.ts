import { afterAll, describe, expect, it, vi } from 'vitest';
import { lavapipeEnvironment } from '../../scripts/lib/lavapipe.mjs';
import { loadGolden, relativeRms } from '../support/golden';
import { liveOn, type LiveRun } from './llama-cpp-support';
import { locationKey } from '../../src/model/location';

/** f16 operands, products and sums in every product, rms 3e-4 of its terms each, over two layers: 1e-2 at most here. A wrong tensor is off by tenths. */
const F16_PRODUCTS = 3e-2;

// A software driver compiles every pipeline first.
vi.setConfig({ testTimeout: 240_000 });

let live: LiveRun | undefined;
afterAll(async () => {
  await live?.engine.dispose();
});

describe('a real llama.cpp on Vulkan', () => {
  it('captures what it computes, with its fused kernels left as they are', async () => {
    const golden = loadGolden('mini-q4_k_m', 'p12');
    live = await liveOn('mini-q4_k_m', {}, 'llama.cpp:vulkan', { env: lavapipeEnvironment() });
    const { captures, unmeasured } = await live.run([...golden.tokens]);
    // Attention is one kernel, and so is the router: neither keeps what is inside.
    const inside = ['attn_scores', 'attn_softmax', 'moe_router_probs'];
    expect([...unmeasured].sort()).toEqual([0, 1].flatMap((l) => inside.map((stage) => `layer-${l}/${stage}`)));
    let compared = 0;
    for (const { stage, layer } of golden.held) {
      const key = locationKey(layer, stage);
      const wanted = golden.stage(stage, layer);
      if (unmeasured.has(key) || wanted === undefined) continue;
      expect(relativeRms(captures.get(key)?.data ?? [], wanted.data), key).toBeLessThan(F16_PRODUCTS);
      compared++;
    }
    expect(compared).toBeGreaterThan(35);
    expect(live.engine.facts()).toMatchObject({ logitRowsChanged: 0, logitRows: 12, parameterNotes: [] });
    expect(live.engine.facts()?.devices.join()).toContain('Vulkan0');
  });
});
