// First: it replaces what others import.
import { runCliHere } from './cli-here';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import type { SuiteReport } from '../../src/regression/merge';
import type { ShardResult } from '../../src/regression/shard-result';
import { goldenModelPath } from '../support/golden';
import { runBuiltCli, startCli, type CliResult } from './built-cli';

const folder = mkdtempSync(join(tmpdir(), 'moescope-suite-'));
const at = (name: string): string => join(folder, name);
const suite = at('suite.json');

/** 2 models x 4 prompts x 3 modes. Both models are of the same types, so that each process compiles its kernels once. */
const SUITE = {
  schema: 'moescope-suite/1',
  models: [
    { id: 'tied', file: 'tied.gguf' },
    { id: 'mini', file: 'mini.gguf' },
  ],
  prompts: [
    { id: 'one', tokens: [5] },
    { id: 'two', tokens: [40, 7] },
    { id: 'three', tokens: [1, 2, 3] },
    { id: 'again', tokens: [9, 9] },
  ],
  modes: ['free', 'isolated', 'both'],
  stages: 'moe_router,moe_ffn_out',
} as const;

vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  await ensureBuilt(['cli']);
  writeFileSync(suite, JSON.stringify(SUITE));
  symlinkSync(goldenModelPath('tied-q4_k_m'), at('tied.gguf'));
  symlinkSync(goldenModelPath('mini-q4_k_m'), at('mini.gguf'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function read<T>(name: string): T {
  return JSON.parse(readFileSync(at(name), 'utf8')) as T;
}

const inNode = (file: string, ...more: readonly string[]): readonly string[] => [
  'suite',
  file,
  '--runtime',
  'node',
  ...more,
];
const run = (...more: readonly string[]): Promise<CliResult> => runCliHere(...inNode(suite, ...more));
const merge = (names: readonly string[], ...more: readonly string[]): Promise<CliResult> =>
  runCliHere('merge', ...names.map(at), ...more);

describe('moescope suite and merge', () => {
  test('24 runs in 3 shards, one of them killed and resumed, merge to exactly the report of the unsharded run', async () => {
    const whole = await run('--out', at('whole.json'), '--baselines', at('accepted'), '--update-baseline');
    expect(whole.status).toBe(0);
    expect(whole.err).toContain('[24/24] mini/again/both: MATCH: ');
    expect((await merge(['whole.json'], '--json', at('w.json'))).status).toBe(0);
    for (const i of [1, 3]) {
      expect((await run('--shard', `${i}/3`, '--out', at(`${i}.json`), '--quiet')).status).toBe(0);
    }

    // The second shard is another process's. Its second model's disk hangs, and the machine is killed.
    rmSync(at('mini.gguf'));
    execFileSync('mkfifo', [at('mini.gguf')]);
    const shard2 = inNode(suite, '--shard', '2/3', '--out', at('2.json'));
    const killed = startCli(shard2);
    await killed.until('[4/8]');
    await vi.waitUntil(() => read<ShardResult>('2.json').running?.startsWith('mini/'), { timeout: 30_000 });
    killed.interrupt('SIGKILL');
    expect((await killed.finished).status).toBeUndefined();
    const three = ['1.json', '2.json', '3.json'];
    const lost = await merge(three, '--json', at('lost.json'), '--junit', at('lost.xml'));
    expect(lost.status).toBe(1);
    expect(lost.out).toContain('SUITE FAILED: 4 of 24 runs (4 lost), first mini/one/isolated: LOST: shard 2/3 (');
    const gone = read<SuiteReport>('lost.json').runs.filter((r) => r.status === 'lost');
    expect(gone.map((r) => r.sentence.replace(/^.*ended /, ''))).toEqual([
      'in the middle of it',
      'before it',
      'before it',
      'before it',
    ]);
    expect(readFileSync(at('lost.xml'), 'utf8')).toContain('tests="24" failures="4"');
    expect((await merge(['1.json', '3.json'])).out).toContain('LOST: no result of its shard was given');

    rmSync(at('mini.gguf'));
    symlinkSync(goldenModelPath('mini-q4_k_m'), at('mini.gguf'));
    const resumed = await runBuiltCli(...shard2, '--resume');
    expect(resumed.status).toBe(0);
    expect(resumed.err).not.toContain('[4/8]');
    const joined = await merge(three, '--json', at('m.json'), '--junit', at('m.xml'), '--summary', at('m.md'));
    expect(joined).toMatchObject({ status: 0, out: expect.stringContaining('SUITE: 24 runs on 1 adapter pass') });
    // The run that the machine was killed in tells so; all else is as if there had been one machine and no accident.
    const { how, ...merged } = read<SuiteReport>('m.json');
    const again = merged.runs.find((r) => r.retried.length > 0);
    expect(again).toMatchObject({ id: 'mini/one/isolated', retried: [{ code: 'run-cancelled' }] });
    const plain = { ...merged, runs: merged.runs.map((r) => ({ ...r, retried: [] })) };
    expect({ ...plain, how: undefined }).toEqual({ ...read<SuiteReport>('w.json'), how: undefined });
    expect(how.shards.map((s) => [s.shard, s.runs, s.starts])).toEqual([
      ['1/3', 8, undefined],
      ['2/3', 8, 2],
      ['3/3', 8, undefined],
    ]);
    expect(readFileSync(at('m.xml'), 'utf8')).toContain('tests="24" failures="0"');
    expect(readFileSync(at('m.md'), 'utf8')).toMatch(/\| mini\/one\/isolated \| [^|]+ \| pass, attempt 2 \|/);
  });

  test('errors are of their run, tried again, and the others run; baselines hold; seconds come from a report', async () => {
    const models = [{ id: 'gone', file: 'gone.gguf' }, SUITE.models[0]];
    const broken = at('broken.json');
    writeFileSync(broken, JSON.stringify({ ...SUITE, models, modes: ['free'], prompts: SUITE.prompts.slice(0, 2) }));
    rmSync(at('accepted/tied-two-free.json'));
    const result = await runCliHere(
      ...inNode(broken, '--out', at('b.json'), '--baselines', at('accepted'), '--reports', at('reports')),
      ...['--seconds', at('m.json')],
    );
    expect(result.status).toBe(2);
    expect(result.err).toContain('[1/4] gone/one/free: ERROR source-read');
    const { runs, suite: kept } = read<ShardResult>('b.json');
    expect(runs.map(({ failures, outcome }) => [failures.map((f) => f.code), outcome?.baseline?.status])).toEqual([
      [['source-read', 'source-read'], undefined],
      [['source-read', 'source-read'], undefined],
      [[], 'same'],
      [['usage', 'usage'], undefined],
    ]);
    expect(kept.seconds?.['tied/one/free']).toBeGreaterThan(0);
    expect(readFileSync(at('reports/tied-one-free.svg'), 'utf8')).toContain('MATCH: 2 layers');
    expect(JSON.parse(readFileSync(at('reports/tied-one-free.json'), 'utf8'))).toMatchObject({
      baseline: { status: 'same' },
    });
    expect(existsSync(at('reports/tied-two-free.json'))).toBe(false);
  });

  test('a machine without the adapter asked for fails with a status of its own', async () => {
    const one = at('one.json');
    writeFileSync(one, JSON.stringify({ ...SUITE, modes: ['free'], prompts: SUITE.prompts.slice(0, 1) }));
    const result = await runCliHere(...inNode(one, '--out', at('hw.json'), '--adapter', 'hardware', '--retries', '0'));
    if (result.status === 0)
      return expect(read<ShardResult>('hw.json').runs[0]?.outcome?.adapter?.isSoftware).toBe(false);
    expect(result.status).toBe(3);
    expect(result.err).toMatch(/tied\/one\/free: ERROR gpu-(?:unavailable|adapter)/);
  });

  test('wrong usage', async () => {
    expect((await runCliHere('merge')).status).toBe(2);
    expect((await runCliHere('suite', suite)).err).toContain('--out');
    expect((await runCliHere('suite', suite, '--out', at('x.json'), '--shard', '3/2')).err).toContain('no shard');
    const badSeconds = await runCliHere('suite', suite, '--out', at('x.json'), '--seconds', suite);
    expect(badSeconds.err).toContain('is no merged report');
  });
});
