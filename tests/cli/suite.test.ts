import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureBuilt } from '../../scripts/lib/build.mjs';
import { goldenModelPath } from '../support/golden';
import { runBuiltCli, startCli } from './built-cli';

const folder = mkdtempSync(join(tmpdir(), 'moescope-suite-'));
const suite = join(folder, 'suite.json');
const at = (name: string): string => join(folder, name);

vi.setConfig({ testTimeout: 240_000 });

beforeAll(async () => {
  await ensureBuilt(['cli']);
  writeFileSync(
    suite,
    JSON.stringify({
      schema: 'moescope-suite/1',
      models: [
        { id: 'q4', file: goldenModelPath('mini-q4_k_m') },
        { id: 'q8', file: goldenModelPath('mini-q8_0') },
      ],
      prompts: [
        { id: 'one', tokens: [5] },
        { id: 'two', tokens: [400, 77] },
      ],
      modes: ['free', 'isolated'],
      stages: 'moe_router,moe_ffn_out',
    }),
  );
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A merged report without how it came about. */
function merged(file: string): unknown {
  const report: Record<string, unknown> = JSON.parse(readFileSync(at(file), 'utf8'));
  return { ...report, how: undefined };
}

describe('moescope suite and merge', () => {
  test('shards merge to the report of the unsharded run; a missing one shows; baselines hold', async () => {
    const run = (...more: readonly string[]): ReturnType<typeof runBuiltCli> =>
      runBuiltCli('suite', suite, '--runtime', 'node', ...more);
    const baselines = ['--baselines', at('accepted')];
    const whole = await run('--out', at('whole.json'), ...baselines, '--update-baseline');
    expect(whole.status).toBe(0);
    expect(whole.err).toContain('[8/8] q8/two/isolated: MATCH: ');
    for (const i of [1, 2, 3]) {
      expect((await run('--shard', `${i}/3`, '--out', at(`${i}.json`), '--quiet')).status).toBe(0);
    }
    const join3 = ['merge', at('1.json'), at('2.json'), at('3.json')];
    expect((await runBuiltCli('merge', at('whole.json'), '--json', at('w.json'))).status).toBe(0);
    const all = await runBuiltCli(...join3, '--json', at('m.json'), '--junit', at('m.xml'), '--summary', at('m.md'));
    expect(all).toMatchObject({ status: 0, out: expect.stringContaining('SUITE: 8 runs on 1 adapter pass') });
    expect(merged('m.json')).toEqual(merged('w.json'));
    expect(readFileSync(at('m.xml'), 'utf8')).toContain('tests="8" failures="0"');
    expect(readFileSync(at('m.md'), 'utf8')).toContain('| q4/one/free | ');

    const lost = await runBuiltCli('merge', at('1.json'), at('3.json'));
    expect(lost.status).toBe(1);
    expect(lost.out).toContain('LOST: no result of its shard was given');

    const held = await run('--shard', '1/3', '--out', at('held.json'), ...baselines);
    expect(held.status).toBe(0);
    const none = await run('--shard', '1/3', '--out', '-', '--baselines', at('nowhere'), '--retries', '0', '--quiet');
    expect(none.status).toBe(2);
    expect(JSON.parse(none.out)).toMatchObject({ runs: [{ failures: [{ code: 'usage' }] }, {}, {}] });
  });

  test('a shard that is killed leaves what it had done', async () => {
    const running = startCli(['suite', suite, '--runtime', 'node', '--out', at('killed.json')]);
    await running.until('[1/8]');
    running.interrupt();
    expect((await running.finished).status).toBe(130);
    const result = await runBuiltCli('merge', at('killed.json'));
    expect(result.status).toBe(1);
    expect(result.out).toMatch(/SUITE FAILED: \d of 8 runs \(\d lost\)/);
    expect(result.out).toContain('shard 1/1');
  });

  test('a model that is not there is an error of its run, tried again, and the others run', async () => {
    const broken = JSON.parse(readFileSync(suite, 'utf8')) as { models: object[] };
    broken.models[0] = { id: 'gone', file: 'gone.gguf' };
    writeFileSync(
      at('broken.json'),
      JSON.stringify({ ...broken, modes: ['free'], prompts: [{ id: 'one', tokens: [5] }] }),
    );
    const result = await runBuiltCli('suite', at('broken.json'), '--runtime', 'node', '--out', at('b.json'));
    expect(result.status).toBe(2);
    expect(result.err).toContain('[1/2] gone/one/free: ERROR source-read');
    const { runs } = JSON.parse(readFileSync(at('b.json'), 'utf8')) as {
      runs: { failures: object[]; outcome?: object }[];
    };
    expect(runs.map((run) => [run.failures.length, run.outcome !== undefined])).toEqual([
      [2, false],
      [0, true],
    ]);
  });

  test('wrong usage', async () => {
    expect((await runBuiltCli('merge')).status).toBe(2);
    expect((await runBuiltCli('suite', suite)).err).toContain('--out');
    expect((await runBuiltCli('suite', suite, '--out', at('x.json'), '--shard', '3/2')).err).toContain('no shard');
  });
});
