import { describe, expect, it } from 'vitest';
import { ARCHITECTURES } from '../../src/arch/architectures';
import type { Sizes } from '../../src/arch/graph';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { createGpuEngine, type GpuEngineOptions } from '../../src/gpu/engine/gpu-engine';
import type { Engine } from '../../src/model/engine';
import { readHParams } from '../../src/model/read-hparams';
import { bits, captureAll, forward, range, type Forward } from '../cpu/support';
import { relativeRms } from '../support/golden';
import { testContext } from '../support/gpu';
import { archModel } from './arch-model';

/** f32 against f64, on models of a few layers. */
const LIMIT = 1e-5;

const TOKENS = Uint32Array.of(3, 41, 59, 26, 35, 97, 93, 23, 46, 12, 77);
/** Where the prompt is cut for one that goes on. */
const FIRST = 4;

const SMALL: Sizes = { nEmbd: 48, nHead: 6, nHeadKv: 1, headDim: 20, nExpert: 9, nExpertUsed: 4, nVocab: 101 };
const COMMON: Sizes = { ...SMALL, nLayer: 4, nFfExp: 40, rmsEps: 1e-5, ropeTheta: 5000, nCtxTrain: 4096 };
const DENSE: Sizes = { ...COMMON, nExpert: 0, nExpertUsed: 0, nFfExp: 0, nFf: 56 };
/** Heads of 14 and 6 channels that turn, made of 20. */
const LATENT: Sizes = { ...COMMON, headDim: 26, valueDim: 20, kvRank: 20, nRot: 6, keyDim: 20, outDim: 10 };
const YARN: Sizes = { ropeScaling: 2, ropeFactor: 8, ropeContext: 64, ropeAttnFactor: 0.9 };

/** Shapes that no golden has. */
const SHAPES: readonly (readonly [arch: string, what: string, sizes: Sizes])[] = [
  ['gpt-oss', 'one kv head, two of three layers windowed', { ...COMMON, ...YARN, window: 3, windowPeriod: 3 }],
  [
    'gpt-oss',
    'a window of 1 in every layer, another base there',
    { ...COMMON, window: 1, windowPeriod: 0, ropeThetaWindow: 900 },
  ],
  ['gpt-oss', 'a window longer than the prompt, a kv head a head', { ...COMMON, nHeadKv: 6, window: 100 }],
  [
    'glm4moe',
    'two dense layers, two shared experts, norms of heads',
    {
      ...COMMON,
      nRot: 8,
      nFf: 56,
      nDense: 2,
      nShared: 2,
      shareScale: 2.5,
      isNormalised: 1,
      hasRouterBias: 1,
      hasQkNorm: 1,
    },
  ],
  [
    'glm4moe',
    'a softmax, no bias and no scale',
    { ...COMMON, nRot: 4, nShared: 1, gating: 1, hasRouterBias: 0, nHeadKv: 3 },
  ],
  [
    'deepseek2',
    'three groups of which two are used, two dense layers, two shared experts, other sizes of keys and values',
    {
      ...{ ...LATENT, ...YARN, yarnLog: 0.05, qRank: 24, nDense: 2, nFf: 56, nShared: 2, nGroup: 3, nGroupUsed: 2 },
      ...{ gating: 2, hasRouterBias: 1, isNormalised: 1, shareScale: 2.5 },
    },
  ],
  [
    'deepseek2',
    'one head, no rank of queries, YaRN without a factor for scores, one group of three',
    { ...LATENT, ...YARN, nHead: 1, nShared: 1, nGroup: 3, nGroupUsed: 1, nExpertUsed: 3, gating: 1 },
  ],
  ['deepseek2', 'linear scaling and no groups', { ...LATENT, nShared: 1, ropeScaling: 1, ropeFactor: 3 }],
  ['qwen3', 'one kv head and YaRN', { ...DENSE, ...YARN }],
  ['llama', 'no experts, linear scaling, a kv head a head', { ...DENSE, nHeadKv: 6, ropeScaling: 1, ropeFactor: 3 }],
  ['llama', 'factors of its frequencies and YaRN', { ...DENSE, ...YARN, nHeadKv: 3, hasRopeFactors: 1 }],
  ['llama', 'experts and factors of its frequencies', { ...COMMON, nHeadKv: 2, hasRopeFactors: 1 }],
  ['minimax-m2', 'one kv head, a quarter of a head turns', { ...COMMON, nRot: 4, gating: 2 }],
];

describe.each(SHAPES)('%s with %s', (name, _, sizes) => {
  const arch = ARCHITECTURES.find((one) => one.name === name);
  if (arch === undefined) throw new Error(`no architecture ${name}`);

  it('gives the values of the exact engine, whole, continued and in chunks, traced or not', async () => {
    const model = await archModel(arch, sizes);
    const hparams = readHParams(model);
    const all = { capture: captureAll(range(TOKENS.length)), bounds: true };
    const exact = await forward(
      createCpuEngine({ model, hparams, pool: createInlinePool(model) }),
      hparams,
      TOKENS,
      all,
    );
    const context = await testContext();
    const on = async <T>(options: Partial<GpuEngineOptions>, run: (engine: Engine) => Promise<T>): Promise<T> => {
      const engine = createGpuEngine({ context, model, hparams, ...options });
      try {
        return await run(engine);
      } finally {
        await engine.dispose();
      }
    };
    const whole = await on({}, (engine) => forward(engine, hparams, TOKENS, all));
    for (const { stage, layer, data } of exact.captures) {
      const place = `${stage} of layer ${String(layer)}`;
      const own = whole.captures.find((captured) => captured.stage === stage && captured.layer === layer);
      if (data instanceof Uint32Array) expect([...(own?.data ?? [])], place).toEqual([...data]);
      else expect(relativeRms(own?.data ?? [], data), place).toBeLessThan(LIMIT);
    }
    const same = (other: Forward): void => {
      for (const captured of other.captures)
        expect(bits(captured), captured.stage).toEqual(bits(whole.captured(captured.stage, captured.layer)));
    };
    same(await on({}, (engine) => forward(engine, hparams, TOKENS, all)));
    same(await on({ chunkTokens: 3 }, (engine) => forward(engine, hparams, TOKENS, all)));
    const logits = { capture: new Map([['lm_head', range(TOKENS.length)]]) };
    same(await on({}, (engine) => forward(engine, hparams, TOKENS, logits)));

    const rest = range(TOKENS.length - FIRST, FIRST);
    const continued = await on({}, async (engine) => {
      await forward(engine, hparams, TOKENS.slice(0, FIRST), { capture: new Map() });
      const capture = new Map([['lm_head', rest]]);
      return forward(engine, hparams, TOKENS.slice(FIRST), { capture }, FIRST);
    });
    const vocabulary = hparams.nVocab;
    const expected = exact.captured('lm_head').data.subarray(FIRST * vocabulary);
    expect(relativeRms(continued.captured('lm_head').data, expected)).toBeLessThan(LIMIT);
    await model.close();
  });
});
