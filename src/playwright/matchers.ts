import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { plainText } from '../base/foreign-text';
import { test } from '@playwright/test';
import { toErrorData } from '../base/errors';
import { findingLines } from '../cli/trace/baseline-file';
import type { Report } from '../divergence/report';
import { makeBaseline, type Baseline } from '../regression/baseline';
import { baselineFromJson, baselineToJson } from '../regression/baseline-json';
import { compareBaseline } from '../regression/compare-baseline';

/** What a matcher answers. */
export interface MatcherResult {
  readonly pass: boolean;
  readonly message: () => string;
  readonly name: string;
}

/** Passes where the candidate agrees with the reference: the verdict is a match. */
export function toMatchReference(report: Report): MatcherResult {
  const verdict: Partial<Report['verdict']> | undefined = isObject(report) ? report.verdict : undefined;
  if (verdict?.status === undefined || verdict.sentence === undefined) {
    return result('toMatchReference', false, 'what was given is no report: give what traceModel returned.');
  }
  const { status, sentence } = verdict;
  return result('toMatchReference', status === 'match', sentence);
}

/**
 * Passes where a run is as an accepted one: bit for bit on the same adapter, within the limits of the file on another. A file that is not
 * there fails the test; `--update-snapshots` accepts the run, and so does a first run unless `--update-snapshots=none` is set, which
 * still fails, so that nobody trusts a file that no one has read.
 * @param file path from the test's own folder
 */
export function toMatchBaseline(report: Report, file: string): MatcherResult {
  const info = test.info();
  const path = resolve(dirname(info.file), file);
  const { updateSnapshots } = info.config;
  const answer = (pass: boolean, text: string): MatcherResult => result('toMatchBaseline', pass, text);
  let before: Baseline | undefined;
  try {
    before = readIfThere(path);
    if (updateSnapshots === 'all' || updateSnapshots === 'changed') {
      const text = accept(path, report, before);
      info.annotations.push({ type: 'baseline', description: text });
      return answer(true, text);
    }
    if (before === undefined) {
      // On the last try only: an earlier one would leave it to the next, which would find it and pass.
      const isWritten = updateSnapshots !== 'none' && info.retry >= info.project.retries;
      if (isWritten) accept(path, report, undefined);
      return answer(
        false,
        `There was no baseline ${path}.${isWritten ? ' This run is written there: read and commit it.' : ''}`,
      );
    }
    const compared = compareBaseline(report, before);
    return answer(compared.status !== 'moved', `${compared.sentence}\n${plainText(findingLines(compared))}`);
  } catch (error) {
    const { code, message, remedy } = toErrorData(error);
    return answer(false, `${code}: ${message} ${remedy}`);
  }
}

function isObject(value: unknown): value is { readonly verdict?: Report['verdict'] } {
  return typeof value === 'object' && value !== null;
}

function readIfThere(path: string): Baseline | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return baselineFromJson(text);
}

/** Writes the run as the baseline, keeping limits that people set. A file of the same rows stays as it is. */
function accept(path: string, report: Report, before: Baseline | undefined): string {
  const next = makeBaseline(report, before?.limits);
  const rows = (baseline: Baseline | undefined): string =>
    JSON.stringify([baseline?.adapter, baseline?.run, baseline?.rows]);
  if (rows(next) === rows(before)) return `${path}: as it was`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, baselineToJson(next));
  return `${path}: ${before === undefined ? 'written' : 'updated'}, ${next.rows.length} rows`;
}

function result(name: string, pass: boolean, text: string): MatcherResult {
  return { name, pass, message: () => `${name}: ${text}` };
}
