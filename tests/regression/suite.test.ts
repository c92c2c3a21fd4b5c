import { describe, expect, it, test } from 'vitest';
import { seededRandom } from '../../src/base/random';
import type { Report } from '../../src/divergence/report';
import { suiteToJunit } from '../../src/regression/junit';
import { mergeShards, type ShardFile } from '../../src/regression/merge';
import { suiteReportText } from '../../src/regression/merge-text';
import { layerChart } from '../../src/regression/layer-chart';
import {
  outcomeOf,
  resumable,
  shardFromJson,
  shardToJson,
  SHARD_SCHEMA,
  type ShardRun,
} from '../../src/regression/shard-result';
import { whatChanged, type MadeBy } from '../../src/regression/made-by';
import { unsteadySentence } from '../../src/divergence/unsteady';
import { firstOtherBits } from '../../src/regression/steady';
import { parseShard, runsOfShard, type Shard } from '../../src/regression/shards';
import { suiteFromJson, suiteRuns, SUITE_SCHEMA, type Suite } from '../../src/regression/suite';
import { generateReport } from '../support/reports';

const SUITE: Suite = {
  schema: SUITE_SCHEMA,
  models: [
    { id: 'a', file: 'a.gguf' },
    { id: 'b', file: 'b.gguf' },
  ],
  prompts: ['p', 'q', 'r', 's'].map((id) => ({ id, text: id })),
  modes: ['free', 'isolated', 'both'],
};
const TOOL = { name: 'moescope', version: '0.1.0', commit: '0000000' };

/** A run's report: the same for the same id and adapter, bits too. */
function reportOf(id: string, adapter: string): Report {
  const random = seededRandom([...id].reduce((sum, c) => (31 * sum + c.charCodeAt(0)) % 1e6, 7));
  const report = generateReport({ kind: 'clean', nLayer: 2, nTokens: 3, seed: random.below(1000) });
  const card = report.adapter;
  const moved = adapter === 'first' ? 0 : 3;
  return {
    ...report,
    ...(card === undefined ? {} : { adapter: { ...card, description: adapter } }),
    rows: report.rows.map((row, i) => ({ ...row, bitsA: String(i + (i % 10 === 9 ? moved : 0)).padStart(16, '0') })),
  };
}

/** What the runs of tests are made of. */
const MADE: MadeBy = {
  model: 'm',
  modelState: 's',
  options: 'o',
  adapter: 'any',
  runtime: 'auto',
  baseline: 'none',
  tool: 'moescope 0.1.0 0000000',
};

function shardFile(suite: Suite, shard: Shard, change?: (run: ShardRun) => ShardRun, adapter = 'first'): ShardFile {
  const runs = runsOfShard(suite, shard).map(({ id }): ShardRun => {
    const run = { id, seconds: 2, failures: [], outcome: outcomeOf(id, reportOf(id, adapter)), made: MADE };
    return change?.(run) ?? run;
  });
  const text = shardToJson({ schema: SHARD_SCHEMA, tool: TOOL, suite, shard, runs });
  const file = `shard-${shard.index}.json`;
  return { file, result: shardFromJson(text, file) };
}

const shards = (count: number): readonly Shard[] => Array.from({ length: count }, (_, i) => ({ index: i + 1, count }));

describe('shards', () => {
  it.each([1, 2, 3, 5, 24, 30])('of %d put every run into exactly one', (count) => {
    const ids = shards(count).flatMap((shard) => runsOfShard(SUITE, shard).map((run) => run.id));
    expect(ids.sort()).toEqual(
      suiteRuns(SUITE)
        .map((run) => run.id)
        .sort(),
    );
  });

  it('are balanced by measured seconds', () => {
    const seconds = Object.fromEntries(suiteRuns(SUITE).map((run, i) => [run.id, i === 0 ? 20 : 1]));
    const suite = { ...SUITE, seconds };
    const loads = shards(2).map((shard) =>
      runsOfShard(suite, shard).reduce((sum, run) => sum + (seconds[run.id] ?? 0), 0),
    );
    expect(Math.abs((loads[0] ?? 0) - (loads[1] ?? 0))).toBeLessThanOrEqual(1);
    // By number alone the first shard would have taken twelve runs.
    expect(runsOfShard(suite, { index: 1, count: 2 }).length).toBeLessThan(5);
  });

  it.each(['0/3', '4/3', '1', '1/0', 'a/b', '-1/2', '1/2/3'])('refuse %s', (raw) => {
    expect(() => parseShard(raw)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('merging', () => {
  const unsharded = { ...mergeShards([shardFile(SUITE, { index: 1, count: 1 })]), how: undefined };

  it('of 24 runs in 3 shards, in any order, gives exactly the report of the unsharded run', () => {
    expect(unsharded.runs).toHaveLength(24);
    expect(unsharded).toMatchObject({ status: 'pass', sentence: 'SUITE: 24 runs on 1 adapter pass' });
    const files = shards(3).map((shard) => shardFile(SUITE, shard));
    for (const order of [files, [...files].reverse()]) {
      const { how, ...merged } = mergeShards(order);
      expect({ ...merged, how: undefined }).toEqual(unsharded);
      expect(how.shards.map((s) => s.runs).reduce((x, y) => x + y)).toBe(24);
      expect(Object.keys(how.seconds)).toHaveLength(24);
    }
  });

  it('shows what a killed shard did not do, and a shard that is not there at all', () => {
    const files = shards(3).map((shard) => shardFile(SUITE, shard));
    const [one, two, three] = files;
    if (one === undefined || two === undefined || three === undefined) throw new Error('three');
    const killed = { ...two, result: { ...two.result, runs: two.result.runs.slice(0, 3) } };
    const partly = mergeShards([one, killed, three]);
    const lost = partly.runs.filter((run) => run.status === 'lost');
    expect(lost.map((run) => run.id)).toEqual(two.result.runs.slice(3).map((run) => run.id));
    expect(lost[0]?.sentence).toBe('LOST: shard 2/3 (shard-2.json) ended before it');
    expect(partly.status).toBe('fail');
    expect(partly.sentence).toMatch(/^SUITE FAILED: 5 of 24 runs \(5 lost\), first /);
    const without = mergeShards([one, three]);
    expect(without.runs.filter((run) => run.status === 'lost')).toHaveLength(8);
    expect(without.runs.find((run) => run.status === 'lost')?.sentence).toContain('no result of its shard was given');
  });

  it('keeps retries in sight, and an error as one', () => {
    const failure = { code: 'gpu-lost', message: 'The GPU was lost.', detail: {}, remedy: 'Try again.' } as const;
    const retried = mergeShards([
      shardFile(SUITE, { index: 1, count: 1 }, (run) =>
        run.id === 'a/p/free' ? { ...run, failures: [failure] } : run,
      ),
    ]);
    expect(retried.runs[0]).toMatchObject({ status: 'pass', retried: [{ code: 'gpu-lost' }] });
    expect(suiteReportText(retried, 'plain')).toContain('pass, attempt 2');
    const failed = mergeShards([
      shardFile(SUITE, { index: 1, count: 1 }, ({ id, seconds }) =>
        id === 'a/p/free'
          ? { id, seconds, failures: [failure, failure] }
          : { id, seconds, failures: [], outcome: outcomeOf(id, reportOf(id, 'first')) },
      ),
    ]);
    expect(failed.runs[0]).toMatchObject({ status: 'error', sentence: 'ERROR gpu-lost: The GPU was lost.' });
    expect(failed.status).toBe('fail');
    expect(suiteReportText(failed, 'plain')).toMatch(/a\/p\/free +– +error, attempt 2 +ERROR/);
    // A later shard on another machine did it.
    const rescued = mergeShards([
      shardFile(SUITE, { index: 1, count: 1 }, ({ id, seconds }) => ({ id, seconds, failures: [failure] })),
      shardFile(SUITE, { index: 1, count: 1 }),
    ]);
    expect(rescued.status).toBe('pass');
    expect(rescued.runs[0]?.retried).toHaveLength(1);
  });

  it('sets adapters side by side, every two of them', () => {
    const whole = { index: 1, count: 1 };
    const merged = mergeShards([shardFile(SUITE, whole), shardFile(SUITE, whole, undefined, 'second')]);
    expect(merged.runs).toHaveLength(48);
    expect(merged.adapters.map((name) => name.replace(/^.*swiftshader /, ''))).toEqual([
      'first (software) (browser)',
      'second (software) (browser)',
    ]);
    const [pair] = merged.pairs;
    const rows = reportOf('a/p/free', 'first').rows.length;
    expect(pair).toMatchObject({ runs: 24, rows: 24 * rows, flips: 0, verdicts: 0 });
    expect(pair?.sameBits).toBe(24 * (rows - Math.floor(rows / 10)));
    expect(pair?.first?.id).toBe('a/p/free');
    const { id, row, atMost } = pair?.worst ?? { id: '', row: '', atMost: NaN };
    expect(row).toMatch(/ (free|isolated)$/);
    expect(atMost).toBeGreaterThan(0);
    expect(suiteReportText(merged, 'markdown')).toContain(`(${id}, ${row})`);
  });

  it('draws every adapter against every other as a matrix', () => {
    const whole = { index: 1, count: 1 };
    const names = ['first', 'second', 'third'];
    const text = suiteReportText(mergeShards(names.map((name) => shardFile(SUITE, whole, undefined, name))), 'plain');
    // The second and third moved the same rows to the same bits; the first has others.
    expect(text).toMatch(/\(1\) .*first \(software\) \(browser\) +=  +[\d.e-]+, 9\d % same +[\d.e-]+, 9\d % same/);
    expect(text).toMatch(/\(3\) .*third \(software\) \(browser\) +[\d.e-]+, 9\d % same +0, 100 % same +=/);
  });

  it('fails a run that gave two answers on one adapter', () => {
    const whole = { index: 1, count: 1 };
    const [steady, other] = [shardFile(SUITE, whole), shardFile(SUITE, whole)];
    expect(mergeShards([steady, other])).toMatchObject({ status: 'pass' });
    const runs = other.result.runs.map((run) => {
      if (run.id !== 'b/q/free' || run.outcome === undefined) return run;
      const rows = run.outcome.rows.map((row, i) => (i === 4 ? { ...row, bits: 'other' } : row));
      return { ...run, outcome: { ...run.outcome, rows } };
    });
    const odd = { ...other, result: { ...other.result, runs } };
    for (const files of [
      [steady, odd],
      [odd, steady, steady],
    ]) {
      const merged = mergeShards(files);
      const bad = merged.runs.filter((run) => run.status !== 'pass');
      expect(bad.map((run) => run.id)).toEqual(['b/q/free']);
      expect(bad[0]?.sentence).toMatch(
        /^UNSTEADY: another result of this adapter has other bits than the first, first at /,
      );
    }
  });

  it('fails a run that was repeated with other bits, whatever its verdict', () => {
    const whole = { index: 1, count: 1 };
    const sentence = unsteadySentence('run 2 of 3', 'layer 0 moe_router free');
    const file = shardFile(SUITE, whole, (run) =>
      run.id === 'a/p/free' && run.outcome !== undefined
        ? { ...run, outcome: { ...run.outcome, unsteady: sentence } }
        : run,
    );
    const read = { ...file, result: shardFromJson(shardToJson(file.result), file.file) };
    const merged = mergeShards([read]);
    expect(merged.status).toBe('fail');
    expect(merged.runs.filter((run) => run.status !== 'pass')).toMatchObject([{ id: 'a/p/free', sentence }]);
    const [first, second] = ['first', 'second'].map((adapter) => outcomeOf('a/p/free', reportOf('a/p/free', adapter)));
    if (first === undefined || second === undefined) throw new Error('there are two');
    expect(firstOtherBits(first, first)).toBeUndefined();
    expect(firstOtherBits(first, second)).toMatch(/^layer \d+ /);
    expect(firstOtherBits(first, { ...first, rows: first.rows.slice(1) })).toBeDefined();
    expect(firstOtherBits({ ...first, rows: first.rows.slice(1) }, first)).toBeDefined();
  });

  it('knows no owner of a run where another program dealt them out', () => {
    const { file, result } = shardFile(SUITE, { index: 1, count: 1 });
    const one = { file, result: { ...result, assigned: 'elsewhere' as const, runs: result.runs.slice(0, 1) } };
    const lost = mergeShards([one]).runs.filter((run) => run.status === 'lost');
    expect(lost).toHaveLength(23);
    expect(lost[0]?.sentence).toBe('LOST: no result of its shard was given');
  });

  it('refuses shards of different suites, and nothing', () => {
    const other = { ...SUITE, modes: ['free'] as const };
    const whole = { index: 1, count: 1 };
    expect(() => mergeShards([shardFile(SUITE, whole), shardFile(other, whole)])).toThrow(
      expect.objectContaining({ code: 'suite-mismatch' }),
    );
    // Measured seconds only move runs between shards.
    expect(
      mergeShards([shardFile(SUITE, whole), shardFile({ ...SUITE, seconds: { 'a/p/free': 3 } }, whole)]).status,
    ).toBe('pass');
    expect(() => mergeShards([])).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => shardFromJson('{"schema":"moescope-shard/1"}', 'x.json')).toThrow(
      expect.objectContaining({ code: 'trace-format' }),
    );
  });

  it('fails in JUnit for what is lost', () => {
    const [one] = shards(3).map((shard) => shardFile(SUITE, shard));
    if (one === undefined) throw new Error('one');
    const xml = suiteToJunit(mergeShards([one]));
    expect(xml).toContain('tests="24" failures="16" skipped="0"');
    expect(xml).toContain('<failure message="LOST: ');
  });
});

describe('a killed shard', () => {
  const shard = { index: 1, count: 3 };
  const { result } = shardFile(SUITE, shard);
  const adapter = result.runs[0]?.outcome?.adapter;
  const nowOf = (change: Partial<MadeBy> = {}): Parameters<typeof resumable>[1] => ({
    made: new Map(result.runs.map(({ id }) => [id, { ...MADE, ...change }])),
    adapter,
  });

  it('goes on from what it had done, and counts the run it ended in as an attempt', () => {
    const left = { ...result, runs: result.runs.slice(0, 2), running: result.runs[2]?.id ?? '' };
    const first = resumable(left, nowOf());
    expect(first).toMatchObject({ starts: 1, runs: left.runs, again: [], broken: { id: left.running } });
    expect(first.broken?.failures.map((f) => f.code)).toEqual(['run-cancelled']);
    expect(resumable({ ...result, starts: 4 }, nowOf())).toEqual({ starts: 4, runs: result.runs, again: [] });
  });

  it.each<readonly [keyof MadeBy, RegExp]>([
    ['model', /^the model changed$/],
    ['modelState', /written since/],
    ['options', /options changed/],
    ['adapter', /adapter that is demanded changed/],
    ['runtime', /runtime/],
    ['baseline', /baseline changed/],
    ['tool', /version of MoEscope changed/],
  ])('runs everything again where the %s changed, and says so', (field, why) => {
    expect(whatChanged(MADE, { ...MADE, [field]: 'other' })).toMatch(why);
    const { runs, again } = resumable(result, nowOf({ [field]: 'other' }));
    expect(runs).toEqual([]);
    expect(again.map(({ id }) => id)).toEqual(result.runs.map(({ id }) => id));
    for (const run of again) expect(run.why).toMatch(why);
  });

  it('runs again what another adapter or driver made, what ended in an error, and what says nothing of itself', () => {
    const other = adapter === undefined ? undefined : { ...adapter, description: 'driver 2' };
    expect(resumable(result, { ...nowOf(), adapter: other }).again[0]?.why).toMatch(/adapter or its driver/);
    expect(resumable(result, { ...nowOf(), adapter: undefined }).again[0]?.why).toMatch(/not known/);
    const [first] = result.runs;
    if (first === undefined) throw new Error('a run');
    const { outcome, made, ...bare } = first;
    const error = { code: 'gpu-lost', message: 'm', detail: {}, remedy: 'r' } as const;
    const changed = (run: ShardRun): ReturnType<typeof resumable> => resumable({ ...result, runs: [run] }, nowOf());
    expect(changed({ ...bare, failures: [error] }).again[0]?.why).toMatch(/error/);
    expect(changed({ ...bare, ...(outcome && { outcome }) }).again[0]?.why).toMatch(/does not say/);
    expect(changed({ ...first, id: 'no/such/run' }).again[0]?.why).toMatch(/no run of this shard/);
    // What killed the machine as often as it may is not tried for ever.
    const killed = { ...bare, made: made ?? MADE, failures: [{ ...error, code: 'run-cancelled' as const }] };
    expect(changed(killed).runs).toEqual([killed]);
  });

  it('is not merged with what was made of something else', () => {
    const [one, two] = shards(2).map((part) => shardFile(SUITE, part));
    if (one === undefined || two === undefined) throw new Error('two');
    const mismatch = expect.objectContaining({ code: 'suite-mismatch' }) as object;
    const changed = (change: (run: ShardRun) => ShardRun): ShardFile =>
      shardFile(SUITE, { index: 2, count: 2 }, change);
    expect(() => mergeShards([one, changed((run) => ({ ...run, made: { ...MADE, model: 'x' } }))])).toThrow(mismatch);
    const newer = { ...two, result: { ...two.result, tool: { ...TOOL, commit: '2222222' } } };
    expect(() => mergeShards([one, newer])).toThrow(mismatch);
    // Other adapters are what a merge compares.
    expect(mergeShards([one, changed((run) => ({ ...run, made: { ...MADE, adapter: 'hardware' } }))]).status).toBe(
      'pass',
    );
  });
});

describe('the file of a shard', () => {
  const text = JSON.stringify(shardFile(SUITE, { index: 1, count: 3 }).result);
  const damaged = (change: (shard: Record<string, unknown>) => unknown): string => {
    const shard = JSON.parse(text) as Record<string, unknown>;
    return JSON.stringify(change(shard) ?? shard);
  };

  it.each<readonly [string, string]>([
    ['no JSON', '{'],
    ['null', 'null'],
    ['no shard', damaged((s) => ({ ...s, shard: null }))],
    ['a shard beyond the last', damaged((s) => ({ ...s, shard: { index: 4, count: 3 } }))],
    ['a count without end', damaged((s) => ({ ...s, shard: { index: 1, count: 1e300 } }))],
    ['a run that is none', damaged((s) => ({ ...s, runs: [null] }))],
    ['models that are none', damaged((s) => ({ ...s, suite: { ...(s['suite'] as object), models: 'x' } }))],
    ['a run of another suite', damaged((s) => ({ ...s, running: '::error::x' }))],
    [
      'a failure of no code',
      damaged((s) => ({ ...s, runs: [{ id: 'a/p/free', seconds: 1, failures: [{ code: 'x' }] }] })),
    ],
    ['endless nesting', `{"schema":${'['.repeat(200_000)}`],
  ])('is refused where it has %s', (_, json) => {
    expect(() => shardFromJson(json, 'x.json')).toThrow(expect.objectContaining({ code: 'trace-format' }));
  });

  it('may begin with a byte order mark', () => {
    expect(shardFromJson(`\ufeff${text}`, 'x.json').runs).toHaveLength(8);
    expect(suiteFromJson(`\ufeff${JSON.stringify(SUITE)}`)).toEqual(SUITE);
  });
});

test('a suite of more runs than a file of results can hold is refused at once', () => {
  const many = Array.from({ length: 3000 }, (_, i) => String(i));
  const suite = {
    ...SUITE,
    models: many.map((id) => ({ id: `m${id}`, file: 'x' })),
    prompts: many.map((id) => ({ id: `p${id}`, text: 'x' })),
    modes: ['free'],
  };
  const started = performance.now();
  expect(() => suiteFromJson(JSON.stringify(suite))).toThrow(/9000000 runs/);
  expect(performance.now() - started).toBeLessThan(1000);
});

test('a summary shows what a shard says, and none of it as markup', () => {
  const hostile = '![x](http://h/y.png) <img src=http://h> @octocat a \\| b';
  const file = shardFile(SUITE, { index: 1, count: 1 }, ({ outcome, ...run }) => {
    const error = { code: 'internal', message: `\x1b[2J\n::error::${hostile}`, detail: {}, remedy: 'r' } as const;
    return run.id === 'a/p/free' ? { ...run, failures: [error] } : { ...run, ...(outcome && { outcome }) };
  });
  const report = mergeShards([file]);
  expect(report.sentence).toContain('\\x1b[2J\\n::error::![x]');
  const summary = suiteReportText(report, 'markdown');
  expect(summary).not.toMatch(/<img|!\[x\]|@octocat|http:\/\/|\x1b/);
  // The bar in a cell is none of the table's.
  const line = summary.split('\n').find((text) => text.startsWith('| a/p/free')) ?? '';
  expect(line.split('|')).toHaveLength(6);
});

describe('the chart of a run', () => {
  const rows = [0, 1, 2].map((layer) => ({
    mode: 'isolated' as const,
    layer,
    stage: 'moe_router' as const,
    verdict: 'match' as const,
    maxRatio: 10 ** (layer - 1),
    bad: 0,
    flips: [],
  }));

  it('has the worst row of each layer as a power of ten, and the bound', () => {
    const text = layerChart('a/p/free', [...rows, { ...rows[0]!, maxRatio: 0.01 }]);
    expect(text).toContain('x-axis "layer" [0, 1, 2]');
    expect(text).toContain('bar [-1.00, 0.00, 1.00]');
    expect(text).toContain('line [0, 0, 0]');
  });

  it('reaches the ceiling for what is not finite, and is none without rows', () => {
    expect(layerChart('x', [{ ...rows[0]!, maxRatio: NaN }])).toContain('bar [4.00]');
    expect(layerChart('x', [])).toBeUndefined();
  });

  it('groups layers that would not be legible', () => {
    const many = Array.from({ length: 94 }, (_, layer) => ({ ...rows[0]!, layer, maxRatio: layer === 93 ? 10 : 0.1 }));
    const text = layerChart('x', many) ?? '';
    expect(text).toContain('bar [' + [...new Array<string>(46).fill('-1.00'), '1.00'].join(', ') + ']');
  });
});

describe('a suite file', () => {
  it('reads what it writes', () => {
    expect(suiteFromJson(JSON.stringify(SUITE))).toEqual(SUITE);
    expect(suiteFromJson(JSON.stringify({ ...SUITE, modes: undefined })).modes).toEqual(['both']);
  });

  it.each<readonly [string, object]>([
    ['schema', { schema: 'other' }],
    ['models', { models: [] }],
    [
      'models',
      {
        models: [
          { id: 'a', file: 'x' },
          { id: 'a', file: 'y' },
        ],
      },
    ],
    ['models[0].id', { models: [{ id: '../a', file: 'x' }] }],
    ['models[0].file', { models: [{ id: 'a' }] }],
    ['prompts[0].text', { prompts: [{ id: 'p' }] }],
    ['prompts[0].tokens', { prompts: [{ id: 'p', tokens: [1, -2] }] }],
    ['prompts[0].chat', { prompts: [{ id: 'p', text: 'x', chat: 'yes' }] }],
    ['modes[1]', { modes: ['free', 'all'] }],
    ['inject[0]', { inject: [1] }],
    [
      'runs has "a-b-p-free" twice',
      {
        models: [
          { id: 'a', file: 'x' },
          { id: 'a-b', file: 'y' },
        ],
        prompts: [
          { id: 'p', text: 'x' },
          { id: 'b-p', text: 'y' },
        ],
      },
    ],
    ['seconds', { seconds: { 'a/p/free': 'long' } }],
    ['field "typo"', { typo: 1 }],
  ])('says what is wrong: %s', (where, change) => {
    expect(() => suiteFromJson(JSON.stringify({ ...SUITE, ...change }))).toThrow(
      expect.objectContaining({ code: 'suite-format', message: expect.stringContaining(where) as string }),
    );
  });
});
