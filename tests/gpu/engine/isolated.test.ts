import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeOf, sectionOf } from '../../../src/arch/graph';
import type { GpuContext } from '../../../src/gpu/device';
import { createGpuEngine } from '../../../src/gpu/engine/gpu-engine';
import type { StageKernel, StageRun } from '../../../src/gpu/engine/stage-run';
import type { StageId } from '../../../src/model/stages';
import { ACTIVE_STAGES, LAYER_STAGES, MODEL_STAGES } from '../../support/stages';
import { bits, captureAll, openGolden } from '../../cpu/support';
import { loadGolden } from '../../support/golden';
import type { ModelRecipe } from '../../support/gguf-models';
import { testContext } from '../../support/gpu';
import { isolateAll, made, worstRatio, type CapturePair } from './support';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(() => {
  context.dispose();
});

/** Stages whose error exceeds what an honest f32 kernel fed with the same inputs can make. */
function defects(pairs: readonly CapturePair[]): readonly string[] {
  return pairs.flatMap((pair) => {
    if (pair.name.startsWith('moe_router_indices')) {
      return bits(pair.actual).join() === bits(pair.expected).join() ? [] : [`${pair.name}: other experts`];
    }
    const ratio = worstRatio(pair);
    return ratio <= 1 ? [] : [`${pair.name}: error / bound ${ratio}`];
  });
}

/** Shapes that break sloppy kernels. */
const SHAPES: Readonly<Record<string, ModelRecipe>> = {
  'one kv head, three experts, prime sizes': {
    shape: {
      nLayer: 1,
      nEmbd: 67,
      nHead: 5,
      nHeadKv: 1,
      headDim: 14,
      nExpert: 3,
      nExpertUsed: 2,
      nFfExp: 33,
      nVocab: 293,
    },
  },
  'sixty experts of Q8_0, qDim beyond nEmbd': {
    type: 'Q8_0',
    shape: { nLayer: 2, nEmbd: 64, nHead: 4, nHeadKv: 4, headDim: 32, nExpert: 60, nExpertUsed: 8, nFfExp: 32 },
  },
  'every token to one expert': {
    type: 'Q4_0',
    shape: { nLayer: 1, nEmbd: 96, nHead: 3, nHeadKv: 3, headDim: 32, nExpert: 1, nExpertUsed: 1, nFfExp: 64 },
  },
  'types that change between layers, rows of three super-blocks': {
    type: (layer) => (layer === 0 ? 'Q6_K' : 'Q4_K'),
    shape: { nLayer: 2, nEmbd: 768, nHead: 2, nHeadKv: 1, headDim: 64, nExpert: 4, nExpertUsed: 2, nFfExp: 256 },
    eps: 1e-5,
    theta: 1e4,
  },
};

describe('isolated stages', () => {
  it.each(Object.keys(SHAPES))('are within the bound of an honest kernel: %s', async (name) => {
    const { model, hparams } = await made(SHAPES[name] ?? {});
    const gpu = createGpuEngine({ context, model, hparams });
    const pairs = await isolateAll(gpu, model, hparams, Uint32Array.from([3, 1, 4, 1, 5, 92, 65]));
    await gpu.dispose();
    expect(pairs).toHaveLength(MODEL_STAGES.length + LAYER_STAGES.length * hparams.nLayer);
    expect(defects(pairs)).toEqual([]);
  });

  it('are within it on a golden model', async () => {
    const { model, hparams } = await openGolden('mini-q4_k_m');
    const gpu = createGpuEngine({ context, model, hparams });
    const pairs = await isolateAll(gpu, model, hparams, loadGolden('mini-q4_k_m', 'p12').tokens);
    await gpu.dispose();
    await model.close();
    expect(defects(pairs)).toEqual([]);
  });

  it('compute some positions with the bits they have among all', async () => {
    const { model, hparams } = await made({});
    const tokens = Uint32Array.from([7, 8, 9, 10, 11, 12]);
    const gpu = createGpuEngine({ context, model, hparams });
    const all = await isolateAll(gpu, model, hparams, tokens);
    const some = await isolateAll(gpu, model, hparams, tokens, captureAll([0, 3, 4]));
    await gpu.dispose();
    expect(some).toHaveLength(all.length);
    for (const [i, { name, actual }] of some.entries()) {
      expect(actual.positions, name).toEqual([0, 3, 4]);
      const whole = all[i]?.actual;
      const width = actual.data.length / 3;
      const expected = [0, 3, 4].flatMap((p) => [...(whole?.data.subarray(p * width, (p + 1) * width) ?? [])]);
      expect([...actual.data], name).toEqual(expected);
    }
  });

  it('leave the free run untouched', async () => {
    const { model, hparams } = await made({});
    const tokens = Uint32Array.from([7, 8, 9]);
    const gpu = createGpuEngine({ context, model, hparams });
    const capture = new Map(ACTIVE_STAGES.map((stage) => [stage, [0, 1, 2]] as const));
    const logits = async (isolate: boolean): Promise<readonly number[]> => {
      let layerInput = (await gpu.begin(tokens, 0, { capture })).captures.get('embedding');
      for (let layer = 0; layer < hparams.nLayer; layer++) {
        const { captures } = await gpu.layer(layer, { capture });
        if (isolate) await gpu.isolate(layer, { captures, layerInput }, { capture });
        layerInput = captures.get('post_ffn_residual');
      }
      const captured = (await gpu.end({ capture })).captures.get('lm_head');
      return captured === undefined ? [] : [...bits(captured)];
    };
    expect(await logits(true)).toEqual(await logits(false));
    await gpu.dispose();
  });

  it('refuse a reference that lacks an input', async () => {
    const { model, hparams } = await made({});
    const gpu = createGpuEngine({ context, model, hparams });
    const begun = await gpu.begin(Uint32Array.from([1, 2]), 0, { capture: new Map([['embedding', [0, 1]]]) });
    const capture = new Map([['q_norm', [0]] as const]);
    for (const layerInput of [undefined, begun.captures.get('embedding')]) {
      const step = gpu.isolate(0, { captures: new Map(), layerInput }, { capture });
      await expect(step).rejects.toMatchObject({ code: 'internal' });
    }
    await gpu.dispose();
  });
});

describe('a fault', () => {
  /** What goes wrong, where it is put, and the only stage that isolation may blame. */
  const faults: readonly (readonly [string, StageId, (run: StageRun) => StageRun])[] = [
    ['a mask that lets the next key in', 'attn_softmax', (run) => ({ ...run, firstPosition: run.firstPosition + 1 })],
    ['rotary angles one position late', 'k_post_rope', (run) => ({ ...run, firstPosition: run.firstPosition + 1 })],
    [
      'weights of another layer',
      'attn_out',
      (run) => ({ ...run, node: nodeOf(sectionOf(run.tools.bound.graph, 1 - (run.layer ?? 0)), run.node.out.id) }),
    ],
    [
      'a residual that adds the block twice',
      'post_ffn_residual',
      (run) => ({ ...run, input: () => run.input('moe_ffn_out') }),
    ],
    ['experts one off', 'moe_expert_up', (run) => ({ ...run, experts: () => run.experts().map((e) => (e + 1) % 4) })],
  ];

  it.each(faults)('is blamed on its own stage: %s', async (_what, stage, change) => {
    const { model, hparams } = await made({});
    const replace = { [stage]: (usual: StageKernel) => (run: StageRun) => usual(change(run)) };
    const gpu = createGpuEngine({ context, model, hparams, replace });
    const pairs = await isolateAll(gpu, model, hparams, Uint32Array.from([7, 8, 9, 10]));
    await gpu.dispose();
    const blamed = new Set(defects(pairs).map((defect) => defect.split(' ')[0]));
    expect([...blamed]).toEqual([stage]);
  });
});
