import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/divergence/report';
import type { ModelSession } from '../../src/session/model-session';
import type { RunSpec } from '../../src/session/events';
import { goldenModelPath, SAMPLE_PATH } from '../support/golden';
import { makeModel } from '../support/gguf-models';
import { BOTH, recorder, testSession } from '../support/session';

const TOKENS = [605, 432, 258, 17];
let sample: ModelSession;
beforeAll(async () => {
  sample = await testSession(SAMPLE_PATH);
});
afterAll(() => sample.dispose());

function run(inject: readonly string[], spec: Partial<RunSpec> = {}, session = sample): Promise<Report> {
  return session.run({ ...BOTH, tokens: TOKENS, inject, ...spec }, recorder());
}

describe('the hunt that MoEscope grew out of', () => {
  it('ends with the layer, the stage, the tensor, its type and the type it was read as', async () => {
    const report = await run(['qtype-blind@layer=2,tensor=ffn_down_exps']);
    expect(report.verdict.first).toMatchObject({
      layer: 2,
      stage: 'moe_expert_out',
      tensor: 'blk.2.ffn_down_exps.weight',
      qtype: 'Q6_K',
      mode: 'isolated',
      hint: 'the values are those of the tensor read as Q4_K',
    });
    expect(report.verdict.sentence).toMatch(
      /: first at layer 2, moe_expert_out, token \d, expert \d+ \(blk\.2\.ffn_down_exps\.weight, Q6_K\): .*; the values are those of the tensor read as Q4_K$/,
    );
    expect(report.verdict.others ?? []).toEqual([]);
    // Free-running, everything after it is its victim and nothing before it is touched.
    const free = report.rows.filter((row) => row.mode === 'free');
    const at = free.findIndex((row) => row.layer === 2 && row.stage === 'moe_expert_out');
    expect(free.slice(0, at).every((row) => row.verdict === 'match')).toBe(true);
    expect(free.slice(at + 1).some((row) => row.verdict === 'victim')).toBe(true);
    expect(free.slice(at + 1).some((row) => row.verdict === 'diverge' || row.verdict === 'nan-gpu')).toBe(false);
    expect(report.run.injected).toEqual([{ spec: 'qtype-blind@layer=2,tensor=ffn_down_exps', visible: true }]);
  });
});

describe('what wrong values look like', () => {
  it.each([
    ['wrong-expert@layer=3,tensor=ffn_down_exps', /the values are those of expert \d+'s weights/],
    ['swap-gate-up@layer=1', /the values are those of blk\.1\.ffn_up_exps\.weight/],
    ['off-by-one-row@layer=4,tensor=attn_q', /511 of 512 rows wrong, the values are those of the next row's weights/],
    ['f16-accumulate@layer=4,tensor=attn_output', /off by at most .* of the terms' sum, as with too few digits/],
    ['stale-row@layer=0,tensor=attn_v', /1 of 128 rows wrong, /],
    ['nan@layer=5', /: NaN; 1 of 256 rows wrong, no other type, expert or row/],
    ['qtype-blind@layer=0,tensor=ffn_gate_inp', /: NaN; .*the tensor read as F16/],
  ])('%s', async (spec, hint) => {
    const { verdict } = await run([spec], { mode: 'isolated', layers: spec.replace(/^.*layer=(\d).*$/, '$1') });
    expect(verdict.sentence).toMatch(hint);
  });
});

describe('several faults', () => {
  it('are both named when neither depends on the other', async () => {
    const report = await run(['wrong-expert@layer=3,tensor=ffn_up_exps', 'stale-row@layer=1,tensor=attn_k']);
    expect(report.verdict.first).toMatchObject({ layer: 1, stage: 'k_proj', tensor: 'blk.1.attn_k.weight' });
    expect(report.verdict.others).toMatchObject([
      { layer: 3, stage: 'moe_expert_up', tensor: 'blk.3.ffn_up_exps.weight' },
    ]);
    expect(report.verdict.sentence).toContain('1 more stage is wrong by itself, layer 3, moe_expert_up');
    expect(report.run.injected?.every((fault) => fault.visible)).toBe(true);
  });
});

describe('values that are not finite', () => {
  it.each(['nan', 'inf'])('%s is found at its source on the GPU, and not in the reference', async (kind) => {
    const report = await run([`${kind}@layer=3,tensor=attn_output`]);
    expect(report.verdict.status).toBe('not-finite');
    expect(report.verdict.first).toMatchObject({ layer: 3, stage: 'attn_out', tensor: 'blk.3.attn_output.weight' });
    for (const row of report.rows) expect([row.nanB ?? 0, row.infB ?? 0]).toEqual([0, 0]);
    const isolated = report.rows.filter((row) => row.mode === 'isolated' && row.verdict !== 'match');
    expect(isolated.map((row) => [row.layer, row.stage])).toEqual([[3, 'attn_out']]);
    const head = report.rows.find((row) => row.mode === 'free' && row.stage === 'lm_head');
    expect(head?.verdict).toBe('victim');
  });
});

describe('a fault that cannot be seen', () => {
  it.each([
    ['no-causal-mask@layer=1', { tokens: [605] }, 'a prompt of one token has no later tokens'],
    ['rope-interleaved@layer=1', { tokens: [605] }, 'position 0 is not rotated'],
    ['eps@layer=5', {}, 'x what rounding allows'],
    ['nan@layer=2', { layers: '0..2', mode: 'isolated' }, 'layer 2 is not compared'],
    ['no-renorm@layer=0', { stages: 'moe_router_probs', mode: 'isolated' }, 'moe_router is not compared'],
  ] as const)('%s says why', async (spec, change, why) => {
    const report = await run([spec], change);
    expect(report.verdict.status).toBe('match');
    expect(report.verdict.sentence).toContain(`; injected fault not visible: ${spec} (`);
    expect(report.run.injected).toEqual([{ spec, visible: false, why: expect.stringContaining(why) }]);
  });

  it('says that nobody chose the expert', async () => {
    const { routing } = await run([]);
    const chosen = new Set(routing.flatMap((row) => (row.layer === 2 ? (row.b?.experts ?? []) : [])));
    const idle = Array.from({ length: 16 }, (_, e) => e).find((e) => !chosen.has(e));
    const report = await run([`bitflip@layer=2,expert=${String(idle)}`]);
    expect(report.verdict.sentence).toContain(`no compared token chose expert ${String(idle)} in layer 2`);
    expect(report.verdict.status).toBe('match');
  });

  it('with one kv head says so, and with every expert chosen', async () => {
    const shape = { nHeadKv: 1, nExpert: 2, nExpertUsed: 2 };
    const session = await testSession(makeModel({ shape }));
    const specs = ['gqa-modulo@layer=0', 'no-renorm@layer=1', 'softmax-after-topk@layer=1'];
    const report = await run(specs, { tokens: [3, 4, 5] }, session);
    await session.dispose();
    expect(report.verdict.status).toBe('match');
    expect(report.verdict.sentence).toContain('; injected faults not visible: gqa-modulo@layer=0 (with one kv head');
    expect(report.run.injected?.map((fault) => fault.visible)).toEqual([false, false, false]);
  });
});

describe('a clean run', () => {
  it('after a faulty one has the bits of a clean run before it', async () => {
    const session = await testSession(goldenModelPath('mini-q4_k_m'));
    const bitsOf = async (inject?: readonly string[]): Promise<readonly string[]> => {
      const seen = recorder();
      await session.run({ ...BOTH, tokens: [257, 300, 31], ...(inject === undefined ? {} : { inject }) }, seen);
      return [...seen.captures].map(([key, captured]) => `${key} ${new Uint32Array(captured.data.buffer).join()}`);
    };
    const before = await bitsOf();
    const faulty = await bitsOf(['bitflip@layer=0', 'qtype-blind@layer=1,tensor=attn_v', 'no-renorm@layer=0']);
    expect(faulty).not.toEqual(before);
    expect(await bitsOf([])).toEqual(before);
    await session.dispose();
  });

  it('is not marked, and a bad specification is told before anything runs', async () => {
    expect((await run([])).run.inject).toBeUndefined();
    const seen = recorder();
    const bad = sample.run({ ...BOTH, tokens: TOKENS, inject: ['eps@layer=6'] }, seen);
    await expect(bad).rejects.toMatchObject({ code: 'fault-spec' });
    expect(seen.events.map((event) => event.type).filter((type) => type !== 'progress')).toEqual(['failed']);
    expect((await run([])).verdict.status).toBe('match');
  });
});

describe('routing', () => {
  const PROMPT = Array.from({ length: 24 }, (_, i) => (i * 613 + 97) % 4096);
  /** Drift, not a fault of the router: attention summed in half precision in every early layer. */
  const DRIFT = [0, 1, 2].map((layer) => `f16-accumulate@layer=${layer},tensor=attn_output`);

  it('of its own: what follows a flip is labelled with it, not blamed', async () => {
    const report = await run(DRIFT, { tokens: PROMPT, mode: 'free' });
    const routed = report.rows.filter((row) => row.stage === 'moe_router_indices' && (row.flips?.length ?? 0) > 0);
    expect(routed.length).toBeGreaterThan(0);
    const [first] = routed;
    const flip = first?.flips?.[0];
    expect(flip?.explained).toBe(true);
    // The drift of the two experts' probabilities together is at least the margin that it took.
    expect(2 * (flip?.drift ?? 0)).toBeGreaterThan(flip?.margin ?? Infinity);
    const after = report.rows.filter((row) => row.verdict === 'after-flip' && row.stage === 'moe_ffn_out');
    expect(after.length).toBeGreaterThan(0);
    expect(after[0]?.afterFlip).toEqual({ layer: first?.layer, position: flip?.position, margin: flip?.margin });
    expect(report.rows.some((row) => row.verdict === 'diverge')).toBe(false);
    expect(report.verdict.sentence).toMatch(/^MATCH: .*\d+ routing flips? within drift/);
  });

  it('of the reference: no flip, the drift alone is left', async () => {
    const report = await run(DRIFT, { tokens: PROMPT, mode: 'free', routing: 'reference' });
    expect(report.run.routing).toBe('reference');
    expect(report.rows.some((row) => row.verdict === 'after-flip' || (row.flips?.length ?? 0) > 0)).toBe(false);
    expect(report.verdict.status).toBe('match');
    expect(report.routing.every(({ a, b }) => a?.experts.join() === b?.experts.join())).toBe(true);
    const drift = report.rows.filter((row) => row.layer === 5 && row.stage === 'post_ffn_residual');
    // Four hundredths with the flips, two without.
    expect(drift[0]?.relL2).toBeGreaterThan(1e-3);
    expect(drift[0]?.relL2).toBeLessThan(0.03);
  });

  it('of the reference changes no bit where the choices agree, also where only the last position is captured', async () => {
    const logits = async (routing: 'own' | 'reference', positions: string): Promise<readonly number[]> => {
      const seen = recorder();
      await sample.run({ ...BOTH, tokens: TOKENS, mode: 'free', routing, positions }, seen);
      const captured = seen.captures.get('gpu/-/lm_head');
      return [...new Uint32Array(captured?.data.buffer.slice(-4 * 4096) ?? new ArrayBuffer(0))];
    };
    const own = await logits('own', 'last');
    expect(own).toHaveLength(4096);
    expect(await logits('reference', 'last')).toEqual(own);
    expect(await logits('reference', 'all')).toEqual(own);
  });
});
