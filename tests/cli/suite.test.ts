// First: it replaces what others import.
import { runCliHere } from './cli-here';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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

    // The second shard is another process's, and its machine is killed in the first run of the second model.
    const shard2 = inNode(suite, '--shard', '2/3', '--out', at('2.json'));
    const killed = startCli(shard2);
    await killed.until('[4/8]');
    await vi.waitUntil(() => read<ShardResult>('2.json').running?.startsWith('mini/'), {
      timeout: 30_000,
      interval: 5,
    });
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

    const resumed = await runBuiltCli(...shard2, '--resume');
    expect(resumed.status).toBe(0);
    expect(resumed.err).toContain('4 runs of 8 taken over from ');
    expect(resumed.err).not.toContain('[4/8]');
    expect(resumed.out).toMatch(/^SUITE: 8 runs on 1 adapter pass \(shard 2\/3\)\n$/);
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
    const result = await runCliHere(
      ...inNode(broken, '--out', at('b.json'), '--reports', at('reports')),
      ...['--seconds', at('m.json'), '--quiet'],
    );
    expect(result.status).toBe(2);
    // Quiet or not: what fails is told.
    expect(result.err).toContain('[1/4] gone/one/free: ERROR source-read');
    expect(result.err).not.toContain('tied/one/free');
    expect(result.out).toContain('SUITE FAILED: 2 of 4 runs (2 with an error), first gone/one/free: ');
    const { runs, suite: kept } = read<ShardResult>('b.json');
    expect(runs.map(({ failures, outcome }) => [failures.map((f) => f.code), outcome?.baseline?.status])).toEqual([
      [['source-read', 'source-read'], undefined],
      [['source-read', 'source-read'], undefined],
      [[], undefined],
      [[], undefined],
    ]);
    expect(kept.seconds?.['tied/one/free']).toBeGreaterThan(0);
    expect(readFileSync(at('reports/tied-one-free.svg'), 'utf8')).toContain('MATCH: 2 layers');
    expect(existsSync(at('reports/gone-one-free.json'))).toBe(false);
  });

  test('baselines are held; one that is missing, or of another prompt, is told before anything runs', async () => {
    const two = at('two.json');
    const prompts = SUITE.prompts.slice(0, 2);
    const only = { ...SUITE, models: [SUITE.models[0]], modes: ['free'], prompts };
    writeFileSync(two, JSON.stringify(only));
    const held = inNode(two, '--out', at('held.json'), '--baselines', at('accepted'), '--retries', '2');
    expect((await runCliHere(...held)).status).toBe(0);
    expect(read<ShardResult>('held.json').runs.map((r) => r.outcome?.baseline?.status)).toEqual(['same', 'same']);

    // Another prompt under the same name: no run, no second try of what cannot pass, and the other run is made.
    writeFileSync(two, JSON.stringify({ ...only, prompts: [prompts[0], { id: 'two', tokens: [40, 8] }] }));
    expect((await runCliHere(...held)).status).toBe(2);
    const [, other] = read<ShardResult>('held.json').runs;
    expect(other?.failures.map((f) => f.code)).toEqual(['baseline-mismatch']);
    expect(other?.seconds).toBeLessThan(2);

    rmSync(at('accepted/tied-two-free.json'));
    const missing = await runCliHere(...held);
    expect(missing).toMatchObject({ status: 2, out: '' });
    expect(missing.err).toContain('There is no baseline');
    // What an earlier suite found is not left as if this one had.
    expect(existsSync(at('held.json'))).toBe(false);
  });

  test('an old pass is not repeated for another model, adapter, baseline or prompt', async () => {
    const file = at('resume.json');
    const suiteOf = (tokens: readonly number[]): string =>
      JSON.stringify({
        ...SUITE,
        models: [{ id: 'm', file: 'm.gguf' }],
        modes: ['free'],
        prompts: [{ id: 'p', tokens }],
      });
    const model = readFileSync(goldenModelPath('tied-q4_k_m'));
    writeFileSync(at('m.gguf'), model);
    writeFileSync(file, suiteOf([5]));
    const go = (...more: readonly string[]): Promise<CliResult> =>
      runCliHere(...inNode(file, '--out', at('r.json'), '--resume', ...more));
    expect((await go()).status).toBe(0);
    expect((await go()).err).toContain('1 run of 1 taken over');
    expect(read<ShardResult>('r.json').starts).toBe(2);

    // The same header, other weights, and the time of writing set back.
    const { atime, mtime } = statSync(at('m.gguf'));
    model[model.length - 40] = 255 - (model[model.length - 40] ?? 0);
    writeFileSync(at('m.gguf'), model);
    utimesSync(at('m.gguf'), atime, mtime);
    const other = await go();
    expect(other.err).toContain('m/p/free: not taken over: the model changed');
    expect(other.err).toContain('[1/1] m/p/free: ');

    writeFileSync(file, suiteOf([6]));
    expect((await go()).err).toContain('the prompt or the options changed');
    expect((await go('--adapter', 'software')).err).toContain('the adapter that is demanded changed');
    const gone = await go('--baselines', at('nowhere'));
    expect(gone.status).toBe(2);
    expect(gone.err).toContain('There is no baseline');
  });

  test('runs are listed and chosen; a shard without runs says so', async () => {
    const listed = await runCliHere('suite', suite, '--list', '--shard', '1/3', '--grep', '^TIED/.*/free$');
    expect(listed.out.trim().split('\n').length).toBeGreaterThan(0);
    for (const id of listed.out.trim().split('\n')) expect(id).toMatch(/^tied\/\w+\/free$/);
    expect((await runCliHere('suite', suite, '--list')).out.trim().split('\n')).toHaveLength(24);
    const none = await runCliHere('suite', suite, '--list', '--grep', 'no such run');
    expect(none).toMatchObject({ status: 2, out: '' });
    expect((await runCliHere('suite', suite, '--list', '--grep', '(')).err).toContain('a regular expression');
    const empty = await run('--shard', '30/30', '--out', at('e.json'));
    expect(empty).toMatchObject({ status: 0, out: 'SUITE: nothing to run (shard 30/30): the suite has 24 runs\n' });
    const one = await run('--grep', 'tied/one/free', '--out', at('g.json'));
    expect(one.out).toBe('SUITE: 1 run on 1 adapter passes\n');
    expect((await merge(['g.json'])).out).toContain('23 lost');
    const thrice = await run('--grep', 'tied/one/free', '--repeat', '3', '--out', at('t.json'));
    expect(thrice.out).toBe('SUITE: 1 run on 1 adapter passes\n');
    expect(read<ShardResult>('t.json').runs[0]?.outcome?.unsteady).toBeUndefined();
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
