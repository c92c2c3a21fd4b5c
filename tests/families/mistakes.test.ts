import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGpuEngine } from '../../src/gpu/engine/gpu-engine';
import { stagesOfStep } from '../../src/model/graph-of';
import { isolateLayers, referenceOf, referenceOfModel, type Reference } from '../gpu/faults/support';
import { testContext } from '../support/gpu';
import { archModel, MADE } from './arch-model';
import { MISTAKES, withMistake } from './mistakes';

const TOKENS = [3, 141, 59, 265, 358, 97, 93, 238, 462];

describe.each(Object.keys(MISTAKES))('%s', (name) => {
  let reference: Reference;
  beforeAll(async () => {
    const made = MADE[name];
    reference = made
      ? await referenceOfModel(await archModel(made.arch, made.sizes), TOKENS)
      : await referenceOf(`families/${name}`, TOKENS);
  });
  afterAll(() => reference.model.close());

  it.each(MISTAKES[name] ?? [])('with $what is blamed on $stage of layer $layer', async (mistake) => {
    const { model, hparams } = reference;
    const context = await testContext();
    const engine = createGpuEngine({ context, model, hparams, mistake: (graph) => withMistake(graph, mistake) });
    const { verdict } = await isolateLayers(engine, reference, [mistake.layer], stagesOfStep(hparams, mistake.layer));
    await engine.dispose();
    expect(verdict.status).toBe('diverged');
    expect(verdict.first).toMatchObject({ layer: mistake.layer, stage: mistake.stage });
  });

  it('without one is within its bounds', async () => {
    const { model, hparams } = reference;
    const engine = createGpuEngine({ context: await testContext(), model, hparams });
    for (let layer = 0; layer < hparams.nLayer; layer++) {
      const { rows, verdict } = await isolateLayers(engine, reference, [layer], stagesOfStep(hparams, layer));
      expect(verdict.status).toBe('match');
      for (const { stage, maxRatio = 0 } of rows) expect(maxRatio, stage).toBeLessThanOrEqual(1);
    }
    await engine.dispose();
  });
});
