import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type { GpuContext } from '../../src/gpu/device';
import type { GpuEngineOptions } from '../../src/gpu/engine/gpu-engine';
import type { KernelSet } from '../../src/gpu/engine/kernel-set';
import type { StageKernel, StageRun } from '../../src/gpu/engine/stage-run';
import type { KernelName } from '../../src/gpu/kernel-table';
import { getPipeline } from '../../src/gpu/pipelines';
import type { ModelFile } from '../../src/gguf/model-file';
import type { HParams } from '../../src/model/hparams';
import type { StageId } from '../../src/model/stages';
import { ACTIVE_STAGES, LAYER_STAGES } from '../support/stages';
import type { Edit, KernelSpec } from '../../src/ops/kernel-spec';
import { runEngine } from '../support/engine-run';
import { loadGolden } from '../support/golden';
import { testContext } from '../support/gpu';
import { openGolden } from '../cpu/support';

vi.setConfig({ testTimeout: 120_000 });

/*
 * What no isolated stage and no cosine shows: what goes wrong between the kernels of a run, or on a path that isolation does not take.
 */

/** A stage by its own kernels, with an edit of the text of one. */
function edited(
  name: 'rope' | 'attnValues' | ('add' & KernelName),
  ...edits: readonly Edit[]
): (usual: StageKernel) => StageKernel {
  return (usual) => async (run) => {
    const { kernel, variant } = run.tools.kernels[name];
    const wrong = await getPipeline<KernelSpec>(run.tools.context, kernel, { ...variant, edits });
    const kernels = Object.assign({ ...run.tools.kernels }, { [name]: wrong }) as KernelSet;
    return usual({ ...run, tools: { ...run.tools, kernels } });
  };
}

/** A stage that is told something wrong. */
function told(change: (run: StageRun) => Partial<StageRun>): (usual: StageKernel) => StageKernel {
  return (usual) => (run) => usual({ ...run, ...change(run) });
}

/** Significands of 4 bits, as fp8 keeps them. */
const THREE_BITS = 'bitcast<f32>((bitcast<u32>(values[first]) + 0x80000u) & 0xfff00000u)';

type Replace = NonNullable<GpuEngineOptions['replace']>;
const FAULTS: readonly (readonly [what: string, stage: StageId, replace: Replace])[] = [
  [
    'keys rounded to f16 on their way into the cache',
    'k_post_rope',
    {
      k_post_rope: edited(
        'rope',
        ['= low * turn.x - high * turn.y;', '= quantizeToF16(low * turn.x - high * turn.y);'],
        ['= high * turn.x + low * turn.y;', '= quantizeToF16(high * turn.x + low * turn.y);'],
      ),
    },
  ],
  [
    'values read from the cache with three mantissa bits',
    'attention',
    { attention: edited('attnValues', ['values[first]', THREE_BITS]) },
  ],
  [
    'probabilities rounded to f16 in front of the values',
    'attention',
    {
      attention: edited('attnValues', [
        'fma(p[row * params.nKeys + key]',
        'fma(quantizeToF16(p[row * params.nKeys + key])',
      ]),
    },
  ],
  [
    'positions of a later chunk counted from its first token',
    'k_post_rope',
    { k_post_rope: told(() => ({ firstPosition: 0 })) },
  ],
  [
    'values of a later chunk written one row too early',
    'v_proj',
    { v_proj: told(({ outputRow }) => ({ outputRow: Math.max(0, outputRow - 1) })) },
  ],
  [
    'the residual adds the normed activations',
    'post_attn_residual',
    // Run alone it is given no other stage than its own inputs.
    {
      post_attn_residual: told(({ fed, input }) =>
        fed ? {} : { input: (id) => input(id === 'attn_out' ? id : 'attn_norm') },
      ),
    },
  ],
  [
    'the experts added to the stream rounded to f16',
    'post_ffn_residual',
    { post_ffn_residual: edited('add', ['y[i] = a[i] + b[i];', 'y[i] = quantizeToF16(a[i] + b[i]);']) },
  ],
];

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(() => {
  context.dispose();
});

/** Twelve tokens, in chunks of five. */
async function run(
  model: ModelFile,
  hparams: HParams,
  tokens: readonly number[],
  replace: Replace,
  decode = 0,
  thorough = false,
): Promise<Report> {
  return (await runEngine({ context, model, hparams, tokens, chunkTokens: 5, replace, decode, thorough })).report;
}

describe.each(['mini-f32', 'mini-q4_k_m'])('%s', (name) => {
  let model: ModelFile;
  let hparams: HParams;
  beforeAll(async () => {
    ({ model, hparams } = await openGolden(name));
  });
  afterAll(() => model.close());
  const tokens = [...loadGolden(name, 'p12').tokens];

  it('is right as it is', async () => {
    expect((await run(model, hparams, tokens, {})).verdict.sentence).toMatch(/^MATCH/);
  });

  it.each(FAULTS)('%s: %s', async (_what, stage, replace) => {
    const { verdict } = await run(model, hparams, tokens, replace);
    expect(verdict.status, verdict.sentence).toBe('diverged');
    expect(verdict.first, verdict.sentence).toMatchObject({ layer: 0, stage, mode: 'local' });
  });

  it('goes on behind the prompt, and judges what was decoded', async () => {
    const { verdict, decoded } = await run(model, hparams, tokens, {}, 3);
    expect(verdict.sentence).toMatch(/^MATCH: .*; 3 decoded tokens agree, largest error 0\.\d+ x its bound$/);
    const stages = LAYER_STAGES.length * hparams.nLayer + ACTIVE_STAGES.length - LAYER_STAGES.length;
    expect(decoded).toMatchObject([12, 13, 14].map((position) => ({ position, status: 'match', rows: stages })));
  });

  it('is right as two prompts', async () => {
    const { verdict, coverage } = await run(model, hparams, tokens, {}, 1, true);
    expect(verdict.sentence).toMatch(/^MATCH/);
    expect(coverage?.paths).toContainEqual({ path: 'continued', ran: true, status: 'match' });
  });

  it.each([
    // Their own rows hold what the whole prompt left there: the same values.
    [
      'written over the first',
      'attention',
      { v_proj: told((step) => (isSecond(step) ? { outputRow: step.outputRow - 6 } : {})) },
    ],
    [
      'counted from 0',
      'k_post_rope',
      { k_post_rope: told((step) => (isSecond(step) ? { firstPosition: step.firstPosition - 6 } : {})) },
    ],
  ] as const)('a prompt that continues another, its rows %s: %s', async (_what, stage, replace) => {
    const { verdict, coverage } = await run(model, hparams, tokens, replace, 1, true);
    expect(verdict.first, verdict.sentence).toMatchObject({ layer: 0, stage, mode: 'local' });
    expect(verdict.sentence).toMatch(/; where the prompt is run as two, from token 6 on, the prompt is right$/);
    expect(coverage?.paths).toContainEqual({ path: 'continued', ran: true, status: 'diverged' });
  });

  it.each([
    ['written at row 0', 'v_proj', { v_proj: told((step) => (isDecoding(step) ? { outputRow: 0 } : {})) }],
    [
      'counted from row 0',
      'k_post_rope',
      { k_post_rope: told((step) => (isDecoding(step) ? { firstPosition: 0 } : {})) },
    ],
  ] as const)('a continued prompt whose rows are %s: %s', async (_what, stage, replace) => {
    const { verdict, decoded } = await run(model, hparams, tokens, replace, 2);
    expect(verdict.first, verdict.sentence).toMatchObject({ layer: 0, stage, position: 12, mode: 'local' });
    expect(verdict.sentence).toMatch(/^DIVERGED: .*; while decoding, the prompt is right$/);
    expect(decoded?.map(({ status }) => status)).toEqual(['diverged', 'diverged']);
  });
});

/** Of a step of six tokens behind six others. */
const isSecond = ({ stepTokens, nKeys }: StageRun): boolean => stepTokens === 6 && nKeys === 12;
const isDecoding = ({ stepTokens }: StageRun): boolean => stepTokens === 1;
