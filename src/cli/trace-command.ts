import { toErrorData, type ErrorCode } from '../base/errors';
import type { Report } from '../divergence/report';
import { reportToJson } from '../divergence/report-json';
import { rowsToCsv } from '../divergence/rows-csv';
import type { SessionEvent } from '../session/events';
import { CSV_FILE, JSON_FILE, MODEL_EXPLORER, QUIET } from './commands';
import { exitCodeOfReport } from './exit-codes';
import { writeModelExplorer } from './model-explorer-files';
import { checkFolder, checkOutputs, writeOutput } from './output';
import { progressView } from './progress';
import { adapterText, reportText } from './report-text';
import type { CommandRunner } from './run-cli';
import type { Terminal } from './terminal';
import { traceRequest, type TraceRequest } from './trace/request';

/** Runs a request somewhere and tells how it goes. */
export type Runtime = (
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
) => Promise<Report>;

/** `moescope trace MODEL`: both arms, the comparison, the verdict. */
export const traceCommand: CommandRunner = async (args, terminal, signal) => {
  const request = await traceRequest(args);
  const isQuiet = args.has(QUIET);
  const jsonFile = args.get(JSON_FILE);
  const csvFile = args.get(CSV_FILE);
  const explorerFile = args.get(MODEL_EXPLORER);
  await checkOutputs([jsonFile, csvFile, explorerFile]);
  if (request.save !== undefined) await checkFolder(request.save.folder);
  const view = progressView(terminal, isQuiet);
  const onEvent = (event: SessionEvent): void => {
    if (event.type === 'started' && event.adapter !== undefined && !isQuiet) {
      view.clear();
      terminal.err(`adapter: ${adapterText(event.adapter)}\n`);
    }
    view.show(event);
  };
  let report: Report;
  try {
    report = await runSomewhere(request, onEvent, signal, isQuiet ? undefined : terminal);
  } finally {
    view.clear();
  }
  if (jsonFile !== undefined) await writeOutput(jsonFile, `${reportToJson(report, 2)}\n`, terminal);
  if (csvFile !== undefined) await writeOutput(csvFile, rowsToCsv(report.rows), terminal);
  if (explorerFile !== undefined) await writeModelExplorer(explorerFile, report.rows, report.run.layers, terminal);
  if (![jsonFile, csvFile, explorerFile].includes('-')) terminal.out(reportText(report));
  else if (!isQuiet) terminal.err(`${report.verdict.sentence}\n`);
  return exitCodeOfReport(report);
};

/** `auto`: Node where Dawn finds an adapter of the kind asked for, else headless Chromium. */
async function runSomewhere(
  request: TraceRequest,
  onEvent: (event: SessionEvent) => void,
  signal: AbortSignal,
  notes: Terminal | undefined,
): Promise<Report> {
  const inNode = async (): Promise<Report> =>
    (await import('./trace/node-runtime')).runInNode(request, onEvent, signal);
  const inBrowser = async (): Promise<Report> =>
    (await import('./trace/browser-runtime')).runInBrowser(request, onEvent, signal);
  if (request.runtime === 'browser') return inBrowser();
  try {
    return await inNode();
  } catch (error) {
    const { code, message } = toErrorData(error);
    const needsNode = request.save !== undefined || request.spec.gpuBudget !== undefined;
    const isPinned = request.runtime === 'node' || needsNode;
    if (!isAboutAdapters(code) || isPinned) throw error;
    notes?.err(`Node: ${message} Trying headless Chromium.\n`);
    return inBrowser().catch((browserError: unknown) => {
      const { code: browserCode } = toErrorData(browserError);
      // What stopped Node says more than that there is no browser, no page or no adapter there either.
      throw isAboutAdapters(browserCode) || browserCode === 'usage' ? error : browserError;
    });
  }
}

function isAboutAdapters(code: ErrorCode): boolean {
  return code === 'gpu-unavailable' || code === 'gpu-adapter';
}
