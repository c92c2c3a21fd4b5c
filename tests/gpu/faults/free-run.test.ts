import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import type { GpuContext } from '../../../src/gpu/device';
import { createFaultyEngine } from '../../../src/gpu/faults/faulty-engine';
import type { ModelFile } from '../../../src/gguf/model-file';
import { faultStages, type Fault } from '../../../src/model/faults';
import type { HParams } from '../../../src/model/hparams';
import { stageOrder } from '../../../src/model/stages';
import { KINDS, LAYER_STAGES } from '../../support/stages';
import { bits, captureAll, forward, openGolden, range, type Forward } from '../../cpu/support';
import { testContext } from '../../support/gpu';

const TOKENS = Uint32Array.from([7, 8, 9, 10]);

let context: GpuContext;
let model: ModelFile;
let hparams: HParams;
let clean: Forward;
beforeAll(async () => {
  context = await testContext();
  ({ model, hparams } = await openGolden('deep-q8_0'));
  const engine = createGpuEngine({ context, model, hparams });
  clean = await forward(engine, hparams, TOKENS, { capture: captureAll(range(TOKENS.length)) });
  await engine.dispose();
});
afterAll(async () => {
  await model.close();
  context.dispose();
});

it.each(KINDS)('%s enters the free run at its own stage, whether tokens come at once or in chunks', async (kind) => {
  const fault: Fault = { kind, layer: 1 };
  const [source = 'attn_norm'] = faultStages(fault);
  for (const chunkTokens of [4, 3]) {
    const engine = createFaultyEngine({ context, model, hparams, chunkTokens }, [fault]);
    const struck = await forward(engine, hparams, TOKENS, { capture: captureAll(range(TOKENS.length)) });
    await engine.dispose();
    for (const captured of struck.captures) {
      if (captured.layer !== undefined && captured.layer > 1) continue;
      const same = bits(captured).join() === bits(clean.captured(captured.stage, captured.layer)).join();
      const before = captured.layer !== 1 || stageOrder(captured.stage) < stageOrder(source);
      if (before && LAYER_STAGES.some((stage) => stage === captured.stage)) expect(same, captured.stage).toBe(true);
      if (captured.layer === 1 && captured.stage === source) expect(same, captured.stage).toBe(false);
    }
  }
});
