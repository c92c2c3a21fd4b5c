import { describe, expect, it } from 'vitest';
import { createGpuEngine } from '../../src/gpu/engine/gpu-engine';
import { readHParams } from '../../src/model/read-hparams';
import { captureAll, forward } from '../cpu/support';
import { loadGolden, relativeRms } from '../support/golden';
import { testContext } from '../support/gpu';
import { exactStages, heldRows } from '../support/exact-stages';
import { FAMILIES, familyPrompts, openFamily } from './goldens';

/** f32 throughout, on models of two or three layers. */
const LIMIT = 1e-5;

describe.each(FAMILIES)('the GPU engine on %s', (name) => {
  it.each(familyPrompts(name))('meets every stage of %s', async (prompt) => {
    const { model, graph } = await openFamily(name);
    const hparams = readHParams(model);
    const golden = loadGolden(`families/${name}`, prompt);
    const { tokens, positions } = golden;
    const engine = createGpuEngine({ context: await testContext(), model, hparams });
    const run = await forward(engine, hparams, tokens, { capture: captureAll(positions) });
    for (const stage of exactStages(golden, graph)) {
      const { node, layer, expected } = stage;
      const captured = run.captures.find(({ stage, layer: of }) => stage === node.out.id && of === layer);
      const place = `${node.out.id} of layer ${String(layer)}`;
      if (node.out.kind === 'index') expect([...(captured?.data ?? [])], place).toEqual([...expected.data]);
      else expect(relativeRms(heldRows(captured?.data ?? [], stage), expected.data), place).toBeLessThan(LIMIT);
    }
    await engine.dispose();
    await model.close();
  });
});
