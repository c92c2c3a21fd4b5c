// First: it replaces what others import.
import { runCliHere } from './cli-here';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { reportFromJson } from '../../src/divergence/report-json';
import { baselineFromJson, baselineToJson } from '../../src/regression/baseline-json';
import { goldenModelPath } from '../support/golden';
import { runBuiltCli } from './built-cli';

const MINI = goldenModelPath('mini-q4_k_m');
const folder = mkdtempSync(join(tmpdir(), 'moescope-baseline-'));
const file = join(folder, 'accepted', 'mini.json');

vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  await ensureBuilt(['cli']);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const TRACE = ['trace', MINI, '--tokens', '5,400,77', '--runtime', 'node'] as const;

function trace(...more: readonly string[]): ReturnType<typeof runBuiltCli> {
  return runCliHere(...TRACE, ...more);
}

describe('moescope trace --baseline', () => {
  test('accepts a run, holds the next one to it bit for bit, and fails one that moves', async () => {
    const missing = await trace('--baseline', file);
    expect(missing).toMatchObject({ status: 2, out: '' });
    expect(missing.err).toContain('--update-baseline');

    // A process of its own accepts: the others must agree with it to the bit.
    const first = await runBuiltCli(...TRACE, '--baseline', file, '--update-baseline');
    expect(first.status).toBe(0);
    expect(first.err).toMatch(/mini\.json: written, \d+ rows/);

    const junit = join(folder, 'junit.xml');
    const same = await trace('--baseline', file, '--junit', junit, '--json', '-');
    expect(same.status).toBe(0);
    expect(same.err).toMatch(/BASELINE: \d+ rows are the same bit for bit/);
    expect(reportFromJson(same.out).baseline).toMatchObject({ status: 'same', held: 'bits' });
    expect(readFileSync(junit, 'utf8')).toMatch(/<testsuites name="moescope" tests="\d+" failures="0" skipped="0">/);

    const moved = await trace('--baseline', file, '--inject', 'f16-accumulate@layer=1,tensor=attn_q');
    expect(moved.status).toBe(1);
    expect(moved.err).toMatch(/BASELINE MOVED: .*first layer 1, q_proj, free: bits/);
    expect(moved.err).toMatch(/layer 1 q_proj local: verdict: match -> diverge/);
  });

  test('another adapter is held to the limits, which people may set', async () => {
    const before = baselineFromJson(readFileSync(file, 'utf8'));
    const { adapter } = before;
    if (adapter === undefined) throw new Error('no adapter');
    const foreign = join(folder, 'foreign.json');
    const tight = before.limits.map((limit) =>
      limit.stage === 'moe_ffn_out' && limit.mode === 'free'
        ? { ...limit, limit: 1e-12, reason: 'set by hand' }
        : limit,
    );
    const other = { ...before, adapter: { ...adapter, description: 'another driver' } };
    writeFileSync(foreign, baselineToJson(other));
    const within = await trace('--baseline', foreign);
    expect(within.status).toBe(0);
    writeFileSync(foreign, baselineToJson({ ...other, limits: tight }));
    const above = await trace('--baseline', foreign, '--json', '-');
    expect(above.status).toBe(1);
    const { baseline } = reportFromJson(above.out);
    expect(baseline?.held).toBe('limits');
    expect(new Set(baseline?.findings.map((f) => `${f.kind} ${f.stage} ${f.reason ?? ''}`))).toEqual(
      new Set(['limit moe_ffn_out set by hand']),
    );
    // Accepting keeps what people set.
    await trace('--baseline', foreign, '--update-baseline');
    const kept = baselineFromJson(readFileSync(foreign, 'utf8'));
    expect(kept.adapter).toEqual(adapter);
    expect(kept.limits.filter((limit) => limit.reason === 'set by hand')).toHaveLength(1);
  });

  test('a baseline of another run, no baseline at all and a flag alone are errors', async () => {
    const other = await runCliHere('trace', MINI, '--tokens', '5', '--baseline', file, '--runtime', 'node');
    expect(other.status).toBe(2);
    expect(other.err).toContain('error baseline-mismatch');
    const alone = await trace('--update-baseline');
    expect(alone.status).toBe(2);
    const broken = join(folder, 'broken.json');
    writeFileSync(broken, '{"schema":"moescope-report/1"}');
    expect((await trace('--baseline', broken)).err).toContain('error trace-format');
  });
});
