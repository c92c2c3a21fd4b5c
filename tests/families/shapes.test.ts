import { expect, it } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { createGpuEngine } from '../../src/gpu/engine/gpu-engine';
import { readHParams } from '../../src/model/read-hparams';
import { captureAll, forward, range } from '../cpu/support';
import { relativeRms } from '../support/golden';
import { testContext } from '../support/gpu';
import { openMade } from '../synthetic/support';

/** f32 throughout; as in `gpu.test.ts`. */
const LIMIT = 1e-5;

const SHAPES = [
  ...(['tiny-qwen35moe', 'tiny-qwen3next', 'tiny-gpt-oss', 'tiny-glm4moe', 'tiny-minimax-m2'] as const),
  ...(['tiny-qwen3vlmoe', 'tiny-olmoe', 'tiny-qwen2moe', 'tiny-granitemoe', 'tiny-mixtral'] as const),
  ...(['tiny-qwen3', 'tiny-llama', 'tiny-deepseek2'] as const),
];

/** No golden has these: one kv head, three heads of values to one of keys, kinds of layers in turn, no experts, quantised weights of several types. */
it.each(SHAPES)('both engines agree on %s', async (shape) => {
  const model = await openMade({ shape });
  const hparams = readHParams(model);
  const tokens = Uint32Array.from({ length: 9 }, (_, i) => (31 * i + 7) % hparams.nVocab);
  const capture = captureAll(range(tokens.length));
  const exact = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const gpu = createGpuEngine({ context: await testContext(), model, hparams, chunkTokens: 4 });
  const [expected, actual] = [
    await forward(exact, hparams, tokens, { capture }),
    await forward(gpu, hparams, tokens, { capture }),
  ];
  expect(actual.captures).toHaveLength(expected.captures.length);
  for (const { stage, layer, data } of expected.captures) {
    const own = actual.captured(stage, layer);
    const place = `${stage} of layer ${String(layer)}`;
    if (data instanceof Uint32Array) expect([...own.data], place).toEqual([...data]);
    // What is behind the mask is not stored by the one and exact by the other.
    else if (stage !== 'attn_scores') expect(relativeRms(own.data, data), place).toBeLessThan(LIMIT);
  }
  await gpu.dispose();
  await model.close();
});
