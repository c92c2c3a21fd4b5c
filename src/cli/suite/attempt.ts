import { join } from 'node:path';
import { fail, toErrorData, type ErrorData } from '../../base/errors';
import type { Report } from '../../divergence/report';
import { checkSameInput } from '../../regression/compare-baseline';
import { outcomeOf, type RunOutcome, type ShardRun } from '../../regression/shard-result';
import { unsteadySentence } from '../../divergence/unsteady';
import { firstOtherBits } from '../../regression/steady';
import { suiteRuns, type Suite, type SuiteRun } from '../../regression/suite';
import type { Arguments } from '../command-line/arguments';
import { ADAPTER, DEVICE, RUNTIME, UPDATE_BASELINE } from '../command-line/shared-options';
import type { Headers } from '../files/headers';
import type { ProgressView } from '../terminal/progress';
import type { Terminal } from '../terminal/terminal';
import { noBaseline, readBaseline, updateBaseline, withBaseline } from '../trace/baseline-file';
import type { NodeRunner } from '../trace/node-runtime';
import type { TraceRequest } from '../trace/request';
import { runSomewhere } from '../trace/run-somewhere';
import { modelOf } from './model-of';
import { writeReportFiles } from './report-files';
import { BASELINES, REPEAT, REPORTS } from './suite-options';

/** What a run of a suite takes place in. */
export interface Circumstances {
  readonly suite: Suite;
  /** The suite's file: models are relative to it. */
  readonly file: string;
  readonly args: Arguments;
  /** What the servers of addresses ask for. */
  readonly headers: Headers | undefined;
  readonly retries: number;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly runner: NodeRunner;
  readonly view: ProgressView;
}

/**
 * Runs once, and again after an error. A divergence is a result and is not repeated; an interrupt ends everything.
 * @param before attempts that have failed already
 */
export async function attempt(
  run: SuiteRun,
  before: readonly ErrorData[],
  circumstances: Circumstances,
): Promise<ShardRun> {
  const failures = [...before];
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  while (failures.length <= circumstances.retries) {
    try {
      return { id: run.id, seconds: seconds(), failures, outcome: await repeated(run, circumstances) };
    } catch (error) {
      const data = toErrorData(error);
      if (data.code === 'run-cancelled') throw error;
      failures.push(data);
      // Another try meets the same baseline and the same prompt.
      if (data.code === 'baseline-mismatch' || data.code === 'usage') break;
    }
  }
  return { id: run.id, seconds: seconds(), failures };
}

/** Runs as often as is asked for. Every run has the bits of the first, or the outcome says where they part. */
async function repeated(run: SuiteRun, circumstances: Circumstances): Promise<RunOutcome> {
  const times = circumstances.args.get(REPEAT);
  const first = outcomeOf(run.id, await runOnce(run, circumstances));
  for (let i = 2; i <= times; i++) {
    const place = firstOtherBits(first, outcomeOf(run.id, await runOnce(run, circumstances)));
    if (place !== undefined) return { ...first, unsteady: unsteadySentence(`run ${i} of ${times}`, place) };
  }
  return first;
}

async function runOnce(run: SuiteRun, circumstances: Circumstances): Promise<Report> {
  const { args, suite, terminal, signal, runner, view } = circumstances;
  const file = baselineOf(run, suite, args);
  const baseline = file === undefined || args.has(UPDATE_BASELINE) ? undefined : await readBaseline(file);
  const request = {
    ...suiteRequest(run, circumstances),
    // A baseline of another model or prompt is reported before the run, not after it.
    ...(baseline === undefined ? {} : { before: checkSameInput(baseline) }),
  };
  const report = await held(await runSomewhere(request, view.show, signal, undefined, runner), run, circumstances);
  const folder = args.get(REPORTS);
  if (folder !== undefined) await writeReportFiles(join(folder, fileStem(run)), report, terminal);
  return report;
}

function suiteRequest({ model, prompt, mode }: SuiteRun, { suite, file, args, headers }: Circumstances): TraceRequest {
  return {
    model: [modelOf(model, file)],
    prompt:
      'tokens' in prompt
        ? { kind: 'tokens', tokens: prompt.tokens }
        : { kind: 'text', text: prompt.text, chat: prompt.chat ?? false },
    spec: {
      engines: ['gpu', 'cpu'],
      mode,
      stages: suite.stages ?? 'all',
      layers: suite.layers ?? 'all',
      positions: suite.positions ?? 'all',
      ...(suite.inject === undefined ? {} : { inject: suite.inject }),
    },
    adapter: args.get(ADAPTER),
    runtime: args.get(RUNTIME),
    device: args.get(DEVICE),
    headers,
    save: undefined,
  };
}

/** The report, held to the baseline where one is asked for, or accepted as one. */
async function held(report: Report, run: SuiteRun, { suite, args, terminal }: Circumstances): Promise<Report> {
  const file = baselineOf(run, suite, args);
  if (file === undefined) return report;
  const baseline = await readBaseline(file);
  if (args.has(UPDATE_BASELINE)) {
    await updateBaseline(file, report, baseline, terminal);
    return report;
  }
  if (baseline === undefined) throw noBaseline(file);
  return withBaseline(report, baseline);
}

/** The file that a run is held to; undefined where none is asked for. @throws TracerError `usage` where one file is to serve several runs */
export function baselineOf(run: SuiteRun, suite: Suite, args: Arguments): string | undefined {
  const place = args.get(BASELINES);
  if (place === undefined) return undefined;
  if (!place.endsWith('.json')) return join(place, `${fileStem(run)}.json`);
  const { length } = suiteRuns(suite);
  if (length === 1) return place;
  throw fail('usage', `${place} is one baseline; the suite has ${length} runs.`, 'Name a folder.', { runs: length });
}

/** `<model>-<prompt>-<mode>` */
function fileStem(run: SuiteRun): string {
  return run.id.replaceAll('/', '-');
}
