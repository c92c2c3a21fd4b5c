import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { SELFTEST_CASES } from '../../src/selftest/all-cases';
import { expectFloats, expectNothing, expectWords, judge, putKey } from '../../src/selftest/expected';
import { runSelftest } from '../../src/selftest/run-selftest';
import { selectCases } from '../../src/selftest/select-cases';
import { selftestVerdict, type SelftestRow } from '../../src/selftest/selftest-report';
import { selftestText } from '../../src/selftest/selftest-text';
import { testContext } from '../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

/** Kernels that compile in a moment, of each look of the report. */
const QUICK = { kernels: ['add', 'top_k', 'repack_plane', 'rows', 'fusions/attention_join', 'linear_lane_group'] };
const TYPES = { types: ['f32', 'u32', 'q4_0'] };

describe('runSelftest', () => {
  it('passes on this adapter, and tells each row and every reason', async () => {
    const cases = selectCases(SELFTEST_CASES, { ...QUICK, ...TYPES });
    const told: SelftestRow[] = [];
    const report = await runSelftest(context, cases, { runtime: 'node', onRow: (row) => told.push(row) });
    expect(report.rows.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(report.verdict.status).toBe('pass');
    expect(told).toEqual(report.rows);
    expect(report.rows).toHaveLength(cases.length);
    for (const { status, note } of report.rows) expect(note === undefined).toBe(status === 'pass');
    const text = selftestText(report, true);
    expect(text).toContain(report.verdict.sentence);
    expect(text).toMatch(
      /Not applicable: \d+ cases? of linear_lane_group subgroup|Left out: \d+ cases? of linear_lane_group/,
    );
  });

  it('says that WebGPU without features lacks subgroups', async () => {
    const plain = await testContext('default');
    const cases = selectCases(SELFTEST_CASES, { kernels: ['linear_lane_group subgroup'], types: ['q4_0'] });
    const { rows, verdict } = await runSelftest(plain, cases, { runtime: 'node' });
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['not-applicable']));
    expect(rows[0]?.note).toBe('needs the feature subgroups');
    // Nothing ran: that is no pass.
    expect(verdict).toMatchObject({ status: 'fail', sentence: expect.stringContaining('no case ran') as string });
    plain.dispose();
  });

  it('fails the cases of a kernel that does not compile, and goes on', async () => {
    const [first, ...rest] = selectCases(SELFTEST_CASES, { kernels: ['add'] });
    if (first === undefined) throw new Error('no case');
    const broken = { ...first, kernel: 'broken', spec: { ...first.spec, entry: 'nowhere' } };
    const { rows } = await runSelftest(context, [broken, ...rest], { runtime: 'node' });
    expect(rows[0]).toMatchObject({ status: 'fail', note: expect.stringContaining('gpu-shader') as string });
    expect(rows.slice(1).every(({ status }) => status === 'pass')).toBe(true);
  });

  it('ends when it is cancelled', async () => {
    const abort = new AbortController();
    const cases = selectCases(SELFTEST_CASES, { kernels: ['add'] });
    const run = runSelftest(context, cases, {
      runtime: 'node',
      signal: abort.signal,
      onRow: () => {
        abort.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: 'run-cancelled' });
  });
});

describe('judge', () => {
  const words = (...values: number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

  it('takes the worst element, and NaN for worse than any', () => {
    const expected = expectFloats([1, 2, 4], [0.1, 0.1, 0.1]);
    expect(judge('y', words(1, 2.05, 4), expected).ratio).toBeCloseTo(0.5, 5);
    expect(judge('y', words(1, NaN, 4), expected)).toMatchObject({ ratio: Infinity, worst: { element: 1 } });
    expect(judge('y', words(0, 0, 0), expectFloats([0, 0, 0], [0, 0, 0])).ratio).toBe(0);
  });

  it('wants bits where bits are wanted, keys that order, and nothing elsewhere', () => {
    expect(judge('y', Uint32Array.of(5, 7), expectWords([5, 6])).worst).toMatchObject({ element: 1, problem: 'bits' });
    const expected = expectNothing(2);
    putKey(expected, 0, -1.5, 0);
    const unwritten = 0x7fc0dead;
    const key = ~(words(-1.5)[0] ?? 0) >>> 0;
    expect(judge('y', Uint32Array.of(key, unwritten), expected).ratio).toBe(0);
    expect(judge('y', Uint32Array.of(key, 0), expected).worst).toMatchObject({ element: 1, problem: 'written' });
    expect(judge('y', Uint32Array.of(key ^ 0x80000000, unwritten), expected).ratio).toBe(Infinity);
  });
});

describe('selftestVerdict', () => {
  it('names the kernels that are red, and counts what did not run', () => {
    const row = { kernel: 'add', types: ['f32'] as const, shape: 'any' };
    const verdict = selftestVerdict([
      { ...row, status: 'pass', ratio: 0.5 },
      { ...row, kernel: 'rope', status: 'fail', ratio: 7, note: 'why' },
      { ...row, status: 'not-applicable', note: 'why' },
    ]);
    expect(verdict.sentence).toBe('FAIL: 1 of 2 cases out of bounds, in rope; 1 not applicable');
    expect(verdict.counts).toEqual({ pass: 1, fail: 1, 'not-applicable': 1, 'left-out': 0 });
  });
});
