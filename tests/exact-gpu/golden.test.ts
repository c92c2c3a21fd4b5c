import { describe, expect, it } from 'vitest';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createExactGpuEngine } from '../../src/exact-gpu/exact-gpu-engine';
import { createExactGpuPool } from '../../src/exact-gpu/exact-gpu-pool';
import { captureAll, forward, openGolden, range } from '../cpu/support';
import { testContext } from '../support/gpu';

/** Both engines sum in f64 grade and round captures to f32: a capture may round the other way, and what follows from it differ by as much. */
const RELATIVE = 2e-7;

describe('the reference with its products on the GPU', () => {
  it.each(['mini-q4_k_m', 'mini-f32', 'mini-mxfp4', 'mini-iq4_xs'])('equals the one on the CPU: %s', async (name) => {
    const { model, hparams } = await openGolden(name);
    const context = await testContext();
    const cpu = createInlinePool(model);
    const pool = createExactGpuPool({ context, model, cpu, budget: 2 ** 28 });
    const tokens = Uint32Array.from(range(6), (i) => (i * 37 + 11) % hparams.nVocab);
    const options = { capture: captureAll(range(6)), bounds: true };
    const exact = await forward(createCpuEngine({ model, hparams, pool: cpu }), hparams, tokens, options);
    const gpu = await forward(createExactGpuEngine({ model, hparams, pool }), hparams, tokens, options);
    expect(gpu.captures.length).toBe(exact.captures.length);
    for (const expected of exact.captures) {
      const actual = gpu.captured(expected.stage, expected.layer);
      const [a, b] = [Array.from(actual.data), Array.from(expected.data)];
      const largest = Math.max(...b.map(Math.abs));
      const worst = Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? NaN))));
      expect(worst, `${expected.stage} of layer ${String(expected.layer)}`).toBeLessThanOrEqual(RELATIVE * largest);
    }
    expect(pool.counts()).toMatchObject({ cpu: 0 });
    expect(pool.counts().largestDifference).toBeLessThanOrEqual(2 ** -50);
    expect(pool.counts().sampled).toBeGreaterThan(10);
    await pool.dispose();
    await cpu.dispose();
    context.dispose();
    await model.close();
  });
});
