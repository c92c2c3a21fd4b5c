import { fail } from '../../base/errors';
import { shownLines } from '../../base/foreign-text';
import { SELFTEST_CASES } from '../../selftest/all-cases';
import { runSelftest } from '../../selftest/run-selftest';
import { selectCases } from '../../selftest/select-cases';
import type { SelftestReport } from '../../selftest/selftest-report';
import { selftestText } from '../../selftest/selftest-text';
import { ADAPTER, DEVICE, JSON_FILE, QUIET, RUNTIME } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { checkOutputs, writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';
import { statusLine } from '../terminal/status-line';
import { styledVerdict } from '../terminal/terminal';
import { nodeElseBrowser } from '../trace/node-else-browser';
import { checkBrowser } from '../trace/request';
import { nodeHost } from '../trace/node-runtime';
import { writeAtlasEntry } from './atlas-entry-file';
import { ALL, ATLAS_ENTRY, CASES, KERNEL, SIGNED_OFF, WEIGHT_TYPE } from './selftest-options';
import type { SelftestRequest } from './selftest-request';

/** Least time between two lines of progress where standard error is no terminal, in milliseconds. */
const LINE_INTERVAL_MS = 2000;

/** `moescope selftest`: every kernel on this adapter against its reference implementation. */
export const selftestCommand: CommandRunner = async (args, terminal, signal) => {
  const file = args.get(JSON_FILE);
  const entryFile = args.get(ATLAS_ENTRY);
  const signedOff = args.has(SIGNED_OFF);
  if (signedOff && entryFile === undefined) {
    throw fail('usage', '--sign-off is of an atlas entry.', 'Name its file with --atlas FILE.');
  }
  await checkOutputs([file, entryFile]);
  const request: SelftestRequest = {
    kernels: args.get(KERNEL),
    types: args.get(WEIGHT_TYPE),
    everything: args.has(ALL),
    adapter: args.get(ADAPTER),
    device: args.get(DEVICE),
  };
  const runtime = args.get(RUNTIME);
  if (runtime === 'browser') checkBrowser({ save: undefined, device: request.device });
  // A wrong name is reported before a device is opened.
  selectCases(SELFTEST_CASES, request);
  const status = statusLine(terminal, args.has(QUIET));
  let shown = -Infinity;
  const onProgress = (kernel: string, done: number, total: number): void => {
    const now = performance.now();
    if (!terminal.isInteractive && done < total && now - shown < LINE_INTERVAL_MS) return;
    shown = now;
    status.show(`Self-test  ${done}/${total}  ${kernel}`);
  };
  let report: SelftestReport;
  try {
    report = await nodeElseBrowser(runtime === 'auto' && request.device !== undefined ? 'node' : runtime, {
      inNode: () => selftestInNode(request, onProgress, signal),
      inBrowser: async () => (await import('./browser-selftest')).selftestInBrowser(request, onProgress, signal),
      note: status.show,
    });
  } finally {
    status.clear();
  }
  if (file !== undefined) await writeOutput(file, `${JSON.stringify(report, undefined, 2)}\n`, terminal);
  if (file !== '-') terminal.out(styledVerdict(terminal, 'out', shownLines(selftestText(report, args.has(CASES)))));
  if (entryFile !== undefined) await writeAtlasEntry(report, entryFile, signedOff, terminal);
  return exitCode(report.verdict.status === 'pass' ? 'pass' : 'diverged');
};

async function selftestInNode(
  request: SelftestRequest,
  onProgress: (kernel: string, done: number, total: number) => void,
  signal: AbortSignal,
): Promise<SelftestReport> {
  const context = await nodeHost(request).openGpu();
  try {
    return await runSelftest(context, selectCases(SELFTEST_CASES, request), {
      runtime: 'node',
      everything: request.everything,
      signal,
      onRow: ({ kernel }, done, total) => {
        onProgress(kernel, done, total);
      },
    });
  } finally {
    context.dispose();
  }
}
