import { say, shown } from '../../base/foreign-text';
import { fail } from '../../base/errors';
import type { Report } from '../../divergence/report';
import { reportToJson } from '../../divergence/report-json';
import { rowsToCsv } from '../../divergence/rows-csv';
import { adapterText } from '../../model/adapter-card';
import { checkSameInput } from '../../regression/compare-baseline';
import { reportMarkdown } from '../../regression/report-markdown';
import { reportsToJunit } from '../../regression/junit';
import type { SessionEvent } from '../../session/events';
import {
  CSV_FILE,
  JSON_FILE,
  JUNIT_FILE,
  MODEL_EXPLORER,
  QUIET,
  SUMMARY_FILE,
  UPDATE_BASELINE,
  VERBOSE,
} from '../command-line/shared-options';
import { BASELINE, MODE, SCHEMA, THOROUGH } from './trace-options';
import { exitCodeOfReport } from '../command-line/exit-codes';
import { writeModelExplorer } from './model-explorer-files';
import { checkFolder, checkOutputs, writeOutput } from '../files/output';
import { progressView } from '../terminal/progress';
import { reportText } from './report-text';
import type { CommandRunner } from '../command-line/command-runner';
import { sharedFiles, writeShared } from '../share/write-shared';
import { noteLines } from '../terminal/note-lines';
import { styledVerdict } from '../terminal/terminal';
import { findingLines, noBaseline, readBaseline, updateBaseline, withBaseline } from './baseline-file';
import { traceRequest } from './request';
import { coverageText, verboseText } from './verbose-text';
import { runSomewhere } from './run-somewhere';

/** `moescope trace MODEL`: both engines, the comparison, the verdict. */
export const traceCommand: CommandRunner = async (args, terminal, signal) => {
  const request = await traceRequest(args);
  const isQuiet = args.has(QUIET);
  const jsonFile = args.get(JSON_FILE);
  const csvFile = args.get(CSV_FILE);
  const explorerFile = args.get(MODEL_EXPLORER);
  const junitFile = args.get(JUNIT_FILE);
  const summaryFile = args.get(SUMMARY_FILE);
  const baselineFile = args.get(BASELINE);
  const isUpdate = args.has(UPDATE_BASELINE);
  const shared = sharedFiles(args);
  if (isUpdate && baselineFile === undefined) {
    throw fail('usage', '--update-baseline needs --baseline.', 'Name the file with --baseline FILE.');
  }
  const baseline = baselineFile === undefined ? undefined : await readBaseline(baselineFile);
  if (baselineFile !== undefined && baseline === undefined && !isUpdate) throw noBaseline(baselineFile);
  const outputs = [jsonFile, csvFile, junitFile, summaryFile, explorerFile, shared.html, shared.svg, shared.png];
  await checkOutputs([...outputs, isUpdate ? baselineFile : undefined]);
  if (request.save !== undefined) await checkFolder(request.save.folder);
  // A run that is held to an accepted one measures what that one did.
  const mode = args.get(MODE) ?? baseline?.run.mode;
  const spec = mode === undefined ? request.spec : { ...request.spec, mode };
  const view = progressView(terminal, isQuiet);
  const onEvent = (event: SessionEvent): void => {
    if (event.type === 'started' && event.adapter !== undefined && !isQuiet) {
      view.clear();
      terminal.err(say`adapter: ${adapterText(event.adapter)}\n`);
    }
    view.show(event);
  };
  let report: Report;
  try {
    const before = baseline === undefined || isUpdate ? {} : { before: checkSameInput(baseline) };
    report = await runSomewhere({ ...request, spec, ...before }, onEvent, signal, isQuiet ? undefined : terminal);
  } finally {
    view.clear();
  }
  if (isUpdate && baselineFile !== undefined) await updateBaseline(baselineFile, report, baseline, terminal);
  if (baseline !== undefined && !isUpdate) report = withBaseline(report, baseline);
  if (jsonFile !== undefined) await writeOutput(jsonFile, `${reportToJson(report, 2, args.get(SCHEMA))}\n`, terminal);
  if (csvFile !== undefined) await writeOutput(csvFile, rowsToCsv(report.rows), terminal);
  if (explorerFile !== undefined) {
    await writeModelExplorer(explorerFile, report.rows, report.run.layers, report.model.hparams, terminal);
  }
  if (junitFile !== undefined) await writeOutput(junitFile, reportsToJunit([report]), terminal);
  if (summaryFile !== undefined) await writeOutput(summaryFile, reportMarkdown(report), terminal);
  await writeShared(report, shared, terminal);
  if (!outputs.includes('-')) terminal.out(styledVerdict(terminal, 'out', reportText(report)));
  else if (!isQuiet) {
    terminal.err(say`${styledVerdict(terminal, 'err', shown(report.verdict.sentence))}\n${noteLines(report.notes)}`);
  }
  if (report.baseline !== undefined && !isQuiet) {
    terminal.err(
      say`${styledVerdict(terminal, 'err', shown(report.baseline.sentence))}\n${findingLines(report.baseline)}`,
    );
  }
  if (report.repeat !== undefined && !isQuiet) {
    terminal.err(say`${styledVerdict(terminal, 'err', shown(report.repeat.sentence))}\n`);
  }
  if (args.has(VERBOSE)) terminal.err(verboseText(report));
  else if (args.has(THOROUGH) && report.coverage !== undefined && !isQuiet) terminal.err(coverageText(report.coverage));
  return exitCodeOfReport(report);
};
