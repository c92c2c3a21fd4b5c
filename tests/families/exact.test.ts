import { describe, expect, it } from 'vitest';
import { sectionsOf } from '../../src/arch/graph';
import { isByKey } from '../../src/arch/walk';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { readHParams } from '../../src/model/read-hparams';
import { captureAll, forward } from '../cpu/support';
import { loadGolden, relativeRms } from '../support/golden';
import { exactStages, heldRows } from '../support/exact-stages';
import { printBits } from '../support/golden-bits';
import { FAMILIES, familyPrompts, openFamily } from './goldens';

/** Two roundings to f32: the golden's and the capture's. */
const LIMIT = 2e-7;

describe.each(FAMILIES)('the exact engine on %s', (name) => {
  it.each(familyPrompts(name))('meets every stage of %s', async (prompt) => {
    const { model, graph } = await openFamily(name);
    const hparams = readHParams(model);
    const golden = loadGolden(`families/${name}`, prompt);
    const { tokens, positions, arrays } = golden;
    const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const run = await forward(engine, hparams, tokens, { capture: captureAll(positions), bounds: true });
    let compared = 0;
    for (const stage of exactStages(golden, graph)) {
      const { node, layer, expected } = stage;
      const captured = run.captures.find(({ stage, layer: of }) => stage === node.out.id && of === layer);
      const place = `${node.out.id} of layer ${String(layer)}`;
      if (node.out.kind === 'index') expect([...(captured?.data ?? [])], place).toEqual([...expected.data]);
      else expect(relativeRms(heldRows(captured?.data ?? [], stage), expected.data), place).toBeLessThan(LIMIT);
      if (node.out.kind !== 'index') expect(captured?.bound, place).toHaveLength(captured?.data.length ?? NaN);
      compared++;
    }
    const named = sectionsOf(graph).flatMap(({ nodes }) => nodes.filter(({ ggml }) => ggml !== ''));
    const left = named.filter(
      ({ out, ggml }) => isByKey(out) && ![...arrays.keys()].some((key) => key.startsWith(`${ggml}-`)),
    );
    expect(compared).toBe(named.length - left.length);
    await expect(printBits(run.captures)).toMatchFileSnapshot(`bits/${name}-${prompt}.txt`);
    await model.close();
  });
});
