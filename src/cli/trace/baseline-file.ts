import { fail, reasonOf, toErrorData } from '../../base/errors';
import { joined, say, type ShownText } from '../../base/foreign-text';
import type { BaselineResult, Finding, Report } from '../../divergence/report';
import { readRegular } from '../../gguf/regular-file';
import { makeBaseline, type Baseline } from '../../regression/baseline';
import { baselineFromJson, baselineToJson } from '../../regression/baseline-json';
import { compareBaseline } from '../../regression/compare-baseline';
import { writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';

/** Findings that are listed one by one. */
const MOST_LISTED = 40;

/** The baseline in a file; undefined where there is none. @throws TracerError `source-read`, `trace-format` */
export async function readBaseline(file: string): Promise<Baseline | undefined> {
  let text: string;
  try {
    text = (await readRegular(file)).toString('utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const reason = reasonOf(error);
    throw fail('source-read', `The baseline ${file} cannot be read: ${reason}.`, 'Check the path.', { file }, error);
  }
  return baselineFromJson(text);
}

/** The error of a baseline that is asked for and not there: a check that silently passes is none. */
export function noBaseline(file: string): Error {
  return fail('usage', `There is no baseline ${file}.`, 'Accept a run first, with --update-baseline.', { file });
}

/** The report with its standing to the baseline. */
export function withBaseline(report: Report, baseline: Baseline): Report {
  return { ...report, baseline: compareBaseline(report, baseline) };
}

/** Accepts a run: writes it, and tells what changes by that. A baseline of another run is replaced whole, limits included. */
export async function updateBaseline(
  file: string,
  report: Report,
  before: Baseline | undefined,
  terminal: Terminal,
): Promise<void> {
  const changes = before === undefined ? undefined : changesFrom(before, report);
  const next = makeBaseline(report, changes === undefined ? [] : before?.limits);
  await writeOutput(file, baselineToJson(next), terminal);
  const what =
    before === undefined ? 'written' : changes === undefined ? 'replaced whole: it was of another run' : 'updated';
  terminal.err(say`${file}: ${what}, ${next.rows.length} rows\n`);
  if (changes !== undefined) terminal.err(say`${changes.sentence}\n${findingLines(changes)}`);
}

/** What moves by accepting the run; undefined where the two cannot be compared. */
function changesFrom(before: Baseline, report: Report): BaselineResult | undefined {
  try {
    return compareBaseline(report, before);
  } catch (error) {
    if (toErrorData(error).code === 'baseline-mismatch') return undefined;
    throw error;
  }
}

/** Findings as lines: `- layer 2 moe_router free: flip: no flips -> 3:+4-7`. */
export function findingLines({ findings }: BaselineResult): ShownText {
  const lines = findings.slice(0, MOST_LISTED).map(findingLine);
  const more = findings.length - lines.length;
  return joined([...lines, ...(more > 0 ? [say`  ... and ${more} more\n`] : [])]);
}

function findingLine({ kind, mode, layer, stage, was, now, reason }: Finding): ShownText {
  const place = layer === undefined ? stage : `layer ${layer} ${stage}`;
  return say`  ${place} ${mode}: ${kind}: ${was} -> ${now}${reason === undefined ? '' : ` (${reason})`}\n`;
}
