import { existsSync, readFileSync } from 'node:fs';

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {readonly string[]} notes each test that failed, and why something counts as failed that no test reported
 */

/**
 * Counts of a vitest JSON report.
 * @param {string} file
 * @param {number} status exit status of the runner
 * @returns {Counts}
 */
export function vitestCounts(file, status) {
  const report = readJson(file);
  if (report === undefined) return crashed('vitest', status);
  const files = array(report.testResults);
  // A file that fails before its tests are known has no failed test of its own.
  const brokenFiles = files.filter((f) => f.status === 'failed' && !array(f.assertionResults).some(isFailed));
  return finish('vitest', status, {
    passed: count(report.numPassedTests),
    failed: count(report.numFailedTests),
    broken: brokenFiles.length,
    skipped: count(report.numPendingTests) + count(report.numTodoTests),
    names: files.flatMap((file) =>
      array(file.assertionResults)
        .filter(isFailed)
        .map(({ fullName }) => fullName),
    ),
  });
}

/**
 * Counts of a Playwright JSON report.
 * @param {string} file
 * @param {number} status exit status of the runner
 * @returns {Counts}
 */
export function playwrightCounts(file, status) {
  const report = readJson(file);
  if (report === undefined) return crashed('playwright', status);
  const stats = record(report.stats);
  return finish('playwright', status, {
    passed: count(stats.expected),
    failed: count(stats.unexpected) + count(stats.flaky),
    broken: array(report.errors).length,
    skipped: count(stats.skipped),
    names: array(report.suites).flatMap(failedSpecs),
  });
}

/**
 * @param {Record<string, unknown>} suite
 * @returns {readonly unknown[]} titles of the tests of the suite and of those in it that failed or needed a second try
 */
function failedSpecs(suite) {
  const own = array(suite.specs).filter(({ tests }) => array(tests).some(({ status }) => FAILED.has(status)));
  return [...own.map(({ title }) => title), ...array(suite.suites).flatMap(failedSpecs)];
}

/** @type {ReadonlySet<unknown>} */
const FAILED = new Set(['unexpected', 'flaky']);

/**
 * Counts of a check that only passes or fails (type check, lint, format).
 * @param {string} name
 * @param {number} status
 * @returns {Counts}
 */
export function checkCounts(name, status) {
  return status === 0
    ? { passed: 1, failed: 0, notes: [] }
    : { passed: 0, failed: 1, notes: [`${name} failed (status ${status})`] };
}

/**
 * The sum over all runners.
 * @param {readonly Counts[]} parts
 * @returns {Counts}
 */
export function addCounts(parts) {
  return {
    passed: parts.reduce((sum, part) => sum + part.passed, 0),
    failed: parts.reduce((sum, part) => sum + part.failed, 0),
    notes: parts.flatMap((part) => part.notes),
  };
}

/**
 * The closing line.
 * @param {Counts} counts
 * @returns {string}
 */
export function summaryLine(counts) {
  return `${counts.passed} passed, ${counts.failed} failed`;
}

/**
 * @param {string} runner
 * @param {number} status
 * @param {{ passed: number, failed: number, broken: number, skipped: number, names: readonly unknown[] }} seen
 * @returns {Counts}
 */
function finish(runner, status, seen) {
  const notes = seen.names.map((name) => `${runner}: failed: ${String(name)}`);
  let failed = seen.failed + seen.broken;
  if (seen.broken > 0) notes.push(`${runner}: ${seen.broken} file(s) failed outside of a test`);
  if (seen.skipped > 0) {
    failed += seen.skipped;
    notes.push(`${runner}: ${seen.skipped} test(s) were skipped; a skipped test counts as failed`);
  }
  if (seen.passed + failed === 0) {
    failed = 1;
    notes.push(`${runner}: ran no test`);
  }
  if (status !== 0 && failed === 0) {
    failed = 1;
    notes.push(`${runner}: ended with status ${status} though no test failed`);
  }
  return { passed: seen.passed, failed, notes };
}

/**
 * @param {string} runner
 * @param {number} status
 * @returns {Counts}
 */
function crashed(runner, status) {
  return { passed: 0, failed: 1, notes: [`${runner}: crashed before it wrote a report (status ${status})`] };
}

/** @param {Record<string, unknown>} assertion */
function isFailed(assertion) {
  return assertion.status === 'failed';
}

/**
 * @param {string} file
 * @returns {Record<string, unknown> | undefined}
 */
function readJson(file) {
  if (!existsSync(file)) return undefined;
  try {
    return record(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function record(value) {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

/**
 * @param {unknown} value
 * @returns {readonly Record<string, unknown>[]}
 */
function array(value) {
  return Array.isArray(value) ? value.map(record) : [];
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function count(value) {
  return typeof value === 'number' ? value : 0;
}
