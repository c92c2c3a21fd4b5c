import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT, SetupError } from './process.mjs';

/** The built command line. */
const CLI = join(ROOT, 'dist/cli/moescope.js');
/** The exit statuses of a run that came to a verdict. */
export const MATCH = 0;
export const DIVERGED = 1;
/** Digits of a statistic; the page shows two, and a trace is fetched before anything is drawn. */
const DIGITS = 6;

/**
 * Runs the built command line and waits for its verdict.
 * @param {readonly string[]} order
 * @param {number} wanted its exit status: {@link DIVERGED} where a defect is put in for that
 * @returns {string} its standard output
 */
export function runCommand(order, wanted) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, ...order, '--quiet'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== wanted) {
    const line = `moescope ${order.join(' ')}`;
    throw new SetupError(`${line} ended with status ${status}, not ${wanted}.\n${stderr}`, 'Run it by hand.');
  }
  return stdout;
}

/**
 * A command as a person types it.
 * @param {readonly string[]} order
 * @returns {string}
 */
export function typed(order) {
  return `npx --no moescope ${order.map((word) => (/[\s;]/.test(word) ? `"${word}"` : word)).join(' ')}`;
}

/**
 * Writes what lies between two marks of a document anew.
 * @param {string} path
 * @param {readonly [begin: string, end: string]} marks
 * @param {string} text
 */
export function writePart(path, [begin, end], text) {
  const [before = '', rest] = readFileSync(path, 'utf8').split(begin);
  if (rest === undefined) throw new SetupError(`${path} has no ${begin}.`, 'Put both marks where the text belongs.');
  const [, after = ''] = rest.split(end);
  writeFileSync(path, `${before}${begin}\n\n${text}\n\n${end}${after}`);
}

/**
 * One member a line, and of its lists one item a line: half as large as indented, and a change can still be reviewed.
 * @param {Readonly<Record<string, unknown>>} report
 * @returns {string}
 */
export function reportLines(report) {
  const members = Object.entries(report).map(([key, value]) => {
    const text = Array.isArray(value)
      ? `[\n${value.map((item) => JSON.stringify(item, short)).join(',\n')}\n]`
      : JSON.stringify(value);
    return `${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${members.join(',\n')}\n}\n`;
}

/**
 * @param {string} key
 * @param {unknown} value
 * @returns {unknown}
 */
function short(key, value) {
  // What is interesting of a cosine is its distance from 1.
  if (typeof value !== 'number' || Number.isInteger(value) || key === 'cosine') return value;
  return Number(value.toPrecision(DIGITS));
}
