import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isByKey } from '../../../src/arch/walk';
import { SINGLE_HEADS, type AttentionChoice } from '../../../src/fusions/attention/attention-plan';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import type { GpuContext } from '../../../src/gpu/device';
import { readHParams } from '../../../src/model/read-hparams';
import { openFamily } from '../../families/goldens';
import { exactStages, type ExactStage } from '../../support/exact-stages';
import { loadGolden, relativeRms } from '../../support/golden';
import { testContext } from '../../support/gpu';
import { ownDecoder } from './support';

/** As in `decoder.test.ts`. */
const LIMIT = 1e-5;
/** Golden models of architectures other than Qwen3-MoE that fused kernels decode. */
const DECODED = ['mixtral', 'mixtral-q8_0'];
const WAYS: Readonly<Record<string, AttentionChoice>> = {
  'single heads': SINGLE_HEADS,
  'heads that share keys': [{ from: 1, method: { kernel: 'shared', splits: 32 } }],
  laneGroups: [{ from: 1, method: { kernel: 'lane-groups', lanes: 4, heads: 2, splits: 1 } }],
};

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

/** One position of an exact stage; of what is by key, the keys up to it. */
function rowOf({ node, expected }: ExactStage, position: number): ArrayLike<number> {
  const [rows = 1, heads = 1, keys = 1] = expected.shape;
  const width = expected.data.length / rows;
  const row = [...expected.data].slice(position * width, (position + 1) * width);
  if (!isByKey(node.out)) return row;
  return Array.from({ length: heads }, (_, h) => row.slice(h * keys, h * keys + position + 1)).flat();
}

describe.each(DECODED)('%s, token by token', (name) => {
  it.each(Object.keys(WAYS))('by %s: every stage of every position is the golden one', async (method) => {
    const { model, graph } = await openFamily(name);
    const golden = loadGolden(`families/${name}`, 'p12');
    const exact = exactStages(golden, graph);
    const choice = { ...(await defaultChoice(context)), attention: WAYS[method] ?? SINGLE_HEADS };
    const { decoder, dispose } = await ownDecoder(context, model, readHParams(model), choice);
    const stages = [...new Set(exact.map(({ node }) => node.out.id))];
    let compared = 0;
    for (const [position, token] of [...golden.tokens].entries()) {
      const { captures } = await decoder.decode(token, position, { capture: { stages } });
      for (const captured of captures) {
        const one = exact.find(({ node, layer }) => node.out.id === captured.stage && layer === captured.layer);
        if (one === undefined) continue;
        const place = `${captured.stage} of layer ${String(captured.layer)} at ${position}`;
        const row = rowOf(one, position);
        expect(captured.data.length, place).toBe(row.length);
        if (one.node.out.kind === 'index') expect([...captured.data].sort(), place).toEqual(Array.from(row).sort());
        else expect(relativeRms(captured.data, row), place).toBeLessThan(LIMIT);
        compared++;
      }
    }
    expect(compared).toBe(golden.tokens.length * exact.length);
    dispose();
    await model.close();
  });
});
