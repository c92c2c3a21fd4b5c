import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { addCounts, checkCounts, playwrightCounts, summaryLine, vitestCounts } from '../../scripts/lib/summary.mjs';

const folder = mkdtempSync(join(tmpdir(), 'moescope-summary-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function report(content: unknown): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

const VITEST_GREEN = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
};

describe('vitestCounts', () => {
  test('counts passed and failed tests', () => {
    expect(vitestCounts(report(VITEST_GREEN), 0)).toEqual({ passed: 5, failed: 0, notes: [] });
    const wrong = ['a', 'b'].map((fullName) => ({ status: 'failed', fullName }));
    const red = { ...VITEST_GREEN, numFailedTests: 2, testResults: [{ status: 'failed', assertionResults: wrong }] };
    expect(vitestCounts(report(red), 1)).toEqual({
      passed: 5,
      failed: 2,
      notes: ['vitest: failed: a', 'vitest: failed: b'],
    });
  });

  test('a file that breaks before its tests counts as failed', () => {
    const broken = [...VITEST_GREEN.testResults, { status: 'failed', assertionResults: [] }];
    expect(vitestCounts(report({ ...VITEST_GREEN, testResults: broken }), 1)).toMatchObject({ passed: 5, failed: 1 });
  });

  test.each([
    ['a skipped test', { ...VITEST_GREEN, numPendingTests: 1 }, 0],
    ['a todo', { ...VITEST_GREEN, numTodoTests: 1 }, 0],
    ['a bad exit status though every test passed', VITEST_GREEN, 1],
    ['no test at all', { ...VITEST_GREEN, numPassedTests: 0, testResults: [] }, 0],
    ['a report that is not JSON', 'Killed', 137],
  ])('%s counts as one failure', (_, content, status) => {
    const counts = vitestCounts(report(content), status);
    expect(counts.failed).toBe(1);
    expect(counts.notes).toHaveLength(1);
  });

  test('a missing report is a crash', () => {
    expect(vitestCounts(join(folder, 'none.json'), 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe('playwrightCounts', () => {
  const green = { stats: { expected: 7, unexpected: 0, flaky: 0, skipped: 0 }, errors: [] };

  test('counts expected as passed', () => {
    expect(playwrightCounts(report(green), 0)).toEqual({ passed: 7, failed: 0, notes: [] });
  });

  test('unexpected, flaky, skipped and errors outside tests are failures', () => {
    const spec = (title: string, status: string) => ({ title, tests: [{ status }] });
    const red = {
      stats: { expected: 7, unexpected: 1, flaky: 1, skipped: 1 },
      errors: [{ message: 'x' }],
      suites: [{ specs: [spec('a', 'expected')], suites: [{ specs: [spec('b', 'unexpected'), spec('c', 'flaky')] }] }],
    };
    const counts = playwrightCounts(report(red), 1);
    expect(counts).toMatchObject({ passed: 7, failed: 4 });
    expect(counts.notes.slice(0, 2)).toEqual(['playwright: failed: b', 'playwright: failed: c']);
  });

  test('no test at all is a failure', () => {
    const none = { stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 0 }, errors: [] };
    expect(playwrightCounts(report(none), 0)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe('the closing line', () => {
  test('is the plain sum over all runners', () => {
    const total = addCounts([checkCounts('lint', 0), checkCounts('format', 1), { passed: 10, failed: 3, notes: [] }]);
    expect(summaryLine(total)).toBe('11 passed, 4 failed');
    expect(total.notes).toEqual(['format failed (status 1)']);
  });
});
