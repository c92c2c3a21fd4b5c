import { describe, expect, it } from 'vitest';
import { llama } from '../../src/arch/llama';
import { qwen3 } from '../../src/arch/qwen3';
import type { Architecture } from '../../src/arch/define-arch';
import type { Sizes } from '../../src/arch/graph';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { createGpuEngine } from '../../src/gpu/engine/gpu-engine';
import { stagesOf } from '../../src/model/graph-of';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import { captureAll, forward, range } from '../cpu/support';
import { relativeRms } from '../support/golden';
import { testContext } from '../support/gpu';
import { archModel } from './arch-model';
import { plainDense, type PlainModel } from './plain-dense';

/** The capture's rounding to f32; and f32 throughout, on models of a few layers. */
const EXACT = 2e-7;
const GPU = 1e-5;

const TOKENS = [3, 41, 59, 26, 35, 97, 93, 23, 46, 12, 77, 5];

const ARCHS: Readonly<Record<string, Architecture>> = { qwen3, llama };

const SHAPES: readonly (readonly [arch: string, what: string, sizes: Sizes])[] = [
  ['qwen3', 'heads that are not nEmbd / nHead wide', { nEmbd: 48, nHead: 6, nHeadKv: 2, headDim: 20 }],
  ['qwen3', 'one kv head', { nEmbd: 40, nHead: 5, nHeadKv: 1, headDim: 8 }],
  ['llama', 'factors of its frequencies', { nEmbd: 48, nHead: 6, nHeadKv: 3, headDim: 16, hasRopeFactors: 1 }],
  ['llama', 'no such factors', { nEmbd: 36, nHead: 4, nHeadKv: 4, headDim: 14 }],
];

describe.each(SHAPES)('%s with %s', (name, _, shape) => {
  const arch = ARCHS[name] ?? llama;

  it('is the plain formula at every stage', async () => {
    const sizes = { nLayer: 3, nFf: 56, nVocab: 101, rmsEps: 1e-5, ropeTheta: 5000, nCtxTrain: 4096, ...shape };
    const model = await archModel(arch, sizes);
    const hparams = readHParams(model);
    expect(checkWeights(model, hparams)).toEqual([]);
    const { nLayer, nEmbd, nHead, nHeadKv, headDim, nVocab, rmsEps: eps, ropeTheta: theta } = hparams;
    const plain: PlainModel = {
      ...{ nLayer, nEmbd, nHead, nHeadKv, headDim, nFf: sizes.nFf, nVocab, eps, theta },
      neighbours: arch === llama,
      headNorms: arch === qwen3,
    };
    const expected = await plainDense(model, plain, TOKENS);
    const capture = captureAll(range(TOKENS.length));
    const exact = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
    const gpu = createGpuEngine({ context: await testContext(), model, hparams });
    for (const [engine, limit] of [
      [exact, EXACT],
      [gpu, GPU],
    ] as const) {
      const { captures } = await forward(engine, hparams, Uint32Array.from(TOKENS), { capture });
      const compared = new Set<string>();
      for (const { stage, layer, data } of captures) {
        const key = layer === undefined ? stage : `${stage}-${layer}`;
        const values = expected.get(key);
        if (values === undefined) continue;
        expect(relativeRms(data, values), `${engine.id} ${key}`).toBeLessThan(limit);
        compared.add(stage);
      }
      // Scores and their softmax come as one with what attention gives.
      const rest = stagesOf(hparams).filter((stage) => !compared.has(stage));
      expect(rest).toEqual(['attn_scores', 'attn_softmax']);
      await engine.dispose();
    }
    await model.close();
  });
});
