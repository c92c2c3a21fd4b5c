import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type { GpuContext } from '../../src/gpu/device';
import type * as Pipelines from '../../src/gpu/pipelines';
import { stageSpec } from '../../src/model/stages';
import type { Edit, KernelSpec, KernelVariant } from '../../src/ops/kernel-spec';
import { goldenModelPath, loadGolden } from '../support/golden';
import { BOTH, recorder, testSession } from '../support/session';

/** SwiftShader compiles the decoder's kernels for half a minute, more beside other tests. */
vi.setConfig({ testTimeout: 400_000, hookTimeout: 400_000 });

/** Edits of the decoder's kernels, by file. */
const made = vi.hoisted(() => ({
  file: undefined as string | undefined,
  edits: [] as readonly (readonly [string, string])[],
}));

vi.mock('../../src/gpu/pipelines', async (original) => {
  const real = await original<typeof Pipelines>();
  return {
    ...real,
    getPipeline: (context: GpuContext, kernel: KernelSpec, variant: KernelVariant, paramsAt?: 'offset' | 'bound') =>
      real.getPipeline(
        context,
        kernel,
        kernel.file === made.file ? { ...variant, edits: made.edits } : variant,
        paramsAt,
      ),
  };
});

async function run(model: string, prompt: string, file?: string, ...edits: readonly Edit[]): Promise<Report> {
  made.file = file;
  made.edits = edits;
  const session = await testSession(goldenModelPath(model));
  try {
    const tokens = [...loadGolden(model, prompt).tokens];
    return await session.run({ ...BOTH, mode: 'local,free', tokens, decode: 6, decoder: 'fast' }, recorder());
  } finally {
    await session.dispose();
  }
}
afterEach(() => {
  made.file = undefined;
});

/** What is broken, where it shows first (`stage` of layer 0 where a layer has it), and the edit. */
const FAULTS: readonly (readonly [what: string, file: string, stage: string, position: number, edit: Edit])[] = [
  ['another token than its logits say', 'sampling/argmax_last', 'lm_head', 12, ['= best.y;', '= best.y ^ 1u;']],
  ['the row of another token', 'fusions/embed', 'embedding', 12, ['token[0] -', '(token[0] ^ 1u) -']],
  [
    'keys rounded to f16 in the cache alone',
    'fusions/attention_shared',
    'attn_scores',
    13,
    ['= turned[HEADS * PADDED + lane];', '= quantizeToF16(turned[HEADS * PADDED + lane]);'],
  ],
  // Row 0 is a key of the token itself.
  [
    'values kept at row 0',
    'fusions/attention_shared',
    'attention',
    12,
    ['values[row + lane]', 'values[kvFirst + lane]'],
  ],
  [
    'probabilities rounded to f16',
    'fusions/attention_shared',
    'attention',
    12,
    ['weights[lane] = e;', 'weights[lane] = quantizeToF16(e);'],
  ],
  [
    'weights of slots rounded to f16',
    'fusions/experts_out',
    'moe_ffn_out',
    12,
    ['sum += slotWeights[s] *', 'sum += quantizeToF16(slotWeights[s]) *'],
  ],
  [
    'the stream rounded to f16',
    'fusions/project',
    'post_attn_residual',
    12,
    ['let sum = before + product;', 'let sum = quantizeToF16(before + product);'],
  ],
  ['sums of squares off by 1 %', 'fusions/project', 'ffn_norm', 12, ['= sum * sum;', '= 1.01 * sum * sum;']],
];

describe.each(['mini-f32', 'mini-q4_k_m'])('tokens of the fast decoder on %s', (name) => {
  it('are right stage by stage', async () => {
    const { verdict, decoded, coverage } = await run(name, 'p12');
    expect(verdict.sentence).toMatch(
      /^MATCH: .*; 6 tokens decoded by the engine and 6 by the fast decoder agree, largest error 0\.\d+ x its bound/,
    );
    const [byEngine, byDecoder] = (['engine', 'decoder'] as const).map((by) =>
      decoded?.filter((step) => step.by === by),
    );
    expect(byDecoder?.map(({ token, rows }) => [token, rows])).toEqual(
      byEngine?.map(({ token, rows }) => [token, rows]),
    );
    expect(coverage?.paths).toEqual([
      { path: 'prompt', ran: true },
      { path: 'token', ran: true },
      { path: 'decoder', ran: true },
    ]);
    expect(coverage?.kernels.filter(({ kernel }) => kernel === 'fusions/experts_in')).toMatchObject([
      { path: 'decode' },
    ]);
  });
});

describe('the fast decoder with', () => {
  it.each(FAULTS)('%s: %s', async (_what, file, stage, position, edit) => {
    const { verdict, decoded } = await run('mini-f32', 'p12', `${file}.wgsl`, edit);
    expect(verdict.status, verdict.sentence).toBe('diverged');
    expect(verdict.first, verdict.sentence).toMatchObject({ stage, position, mode: 'local' });
    expect(verdict.first?.layer).toBe(stageSpec(stage).scope === 'layer' ? 0 : undefined);
    expect(verdict.sentence).toMatch(/; while the fast decoder decodes, the prompt is right$/);
    expect(decoded?.find(({ status }) => status === 'diverged')).toMatchObject({ by: 'decoder', position });
  });
});
