import { access, rm } from 'node:fs/promises';
import { fail, toErrorData } from '../../base/errors';
import { joined, say, shown, shownDocument } from '../../base/foreign-text';
import { plural } from '../../base/format';
import { TOOL } from '../../base/version';
import { adapterName, type AdapterName } from '../../regression/baseline';
import type { MadeBy } from '../../regression/made-by';
import { secondsFromReport, shardSentence } from '../../regression/merge';
import {
  resumable,
  shardFromJson,
  shardToJson,
  SHARD_SCHEMA,
  type ShardResult,
  type ShardRun,
} from '../../regression/shard-result';
import { runsOfShard, WHOLE, type Shard } from '../../regression/shards';
import { redactedSuite, suiteFromJson, suiteRuns, type Suite, type SuiteRun } from '../../regression/suite';
import type { Arguments } from '../command-line/arguments';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode, exitCodeOfError } from '../command-line/exit-codes';
import { ADAPTER, DEVICE, JSON_FILE, QUIET, RUNTIME, UPDATE_BASELINE } from '../command-line/shared-options';
import { checkFolder, checkOutput, writeOutput } from '../files/output';
import { readHeaders } from '../files/headers';
import { readText } from '../files/read-text';
import { progressView } from '../terminal/progress';
import { styledVerdict } from '../terminal/terminal';
import { noBaseline, readBaseline } from '../trace/baseline-file';
import { checkBrowser } from '../trace/request';
import { nodeRunner, type NodeRunner } from '../trace/node-runtime';
import { attempt, baselineOf, type Circumstances } from './attempt';
import { modelOf } from './model-of';
import { fingerprintModel, madeBy } from './made-by';
import { GREP, LIST, OUT, REPEAT, REPORTS, RESUME, RETRIES, SECONDS, SHARD } from './suite-options';

/** `moescope suite FILE`: every run of a suite, or of one shard of it. */
export const suiteCommand: CommandRunner = async (args, terminal, signal) => {
  const [file = ''] = args.operands;
  const suite = await readSuite(file, args);
  const shard = args.get(SHARD) ?? WHOLE;
  const mine = chosenRuns(suite, shard, args);
  if (args.has(LIST)) {
    terminal.out(joined(mine.map(({ id }) => say`${id}\n`)));
    return exitCode('pass');
  }
  const out = outputOf(args);
  const isQuiet = args.has(QUIET);
  const isResumed = args.has(RESUME) && out !== '-';
  const old = isResumed ? await readShard(out) : undefined;
  // A step that fails early must not leave an earlier step's results, which would be taken for its own.
  if (!isResumed) await dropShard(out);
  await checkOutput(out);
  const reports = args.get(REPORTS);
  if (reports !== undefined) await checkFolder(reports);
  await checkBaselines(mine, suite, args);
  const headers = await readHeaders(args);
  const device = args.get(DEVICE);
  if (args.get(RUNTIME) === 'browser') checkBrowser({ save: undefined, device, headers });
  const runner = nodeRunner({ adapter: args.get(ADAPTER), device });
  try {
    const made = await whatMakes(mine, { suite, file, args, headers }, signal);
    const before =
      old === undefined ? undefined : resumable(old, { made, adapter: await adapterNow(old, args, runner) });
    for (const { id, why } of before?.again ?? []) if (!isQuiet) terminal.err(say`${id}: not taken over: ${why}\n`);
    if ((before?.runs.length ?? 0) > 0 && !isQuiet) {
      terminal.err(say`${plural(before?.runs.length ?? 0, 'run')} of ${mine.length} taken over from ${out}\n`);
    }
    const runs: ShardRun[] = [...(before?.runs ?? [])];
    const starts = (before?.starts ?? 0) + 1;
    const text = (running?: string): string =>
      shardToJson({
        schema: SHARD_SCHEMA,
        tool: TOOL,
        suite: redactedSuite(suite),
        shard,
        ...(starts === 1 ? {} : { starts }),
        ...(running === undefined ? {} : { running }),
        ...(args.get(GREP) === undefined ? {} : { assigned: 'elsewhere' }),
        runs,
      });
    // Before the first run, too: a shard that is killed at once is seen.
    const write = async (running?: string): Promise<void> => {
      if (out !== '-') await writeOutput(out, text(running), terminal);
    };
    for (const [i, run] of mine.entries()) {
      if (runs.some((done) => done.id === run.id)) continue;
      await write(run.id);
      const failures = before?.broken?.id === run.id ? before.broken.failures : [];
      // A line every two seconds and run would bury what the runs came to: elsewhere than on a terminal only that is told.
      const view = progressView(terminal, isQuiet || !terminal.isInteractive);
      const circumstances = { suite, file, args, headers, retries: args.get(RETRIES), terminal, signal, runner, view };
      const done = await attempt(run, failures, circumstances).finally(() => {
        view.clear();
      });
      const madeOf = made.get(run.id);
      runs.push({ ...done, ...(madeOf === undefined ? {} : { made: madeOf }) });
      // Before anything is said of it: what was told is kept, whatever ends the process now.
      await write();
      // Quiet is for progress: what fails is reported all the same.
      if (!isQuiet || exitStatus([done]) !== exitCode('pass')) {
        const sentence = styledVerdict(terminal, 'err', shown(sentenceOf(done)));
        terminal.err(say`[${i + 1}/${mine.length}] ${run.id}: ${sentence}\n`);
      }
    }
    await write();
    if (out === '-') terminal.out(shownDocument(text()));
    const last = lastLine(runs, suite, shard);
    const stream = out === '-' ? 'err' : 'out';
    if (stream === 'out' || !isQuiet) terminal[stream](say`${styledVerdict(terminal, stream, shown(last))}\n`);
    return exitStatus(runs);
  } finally {
    await runner.dispose();
  }
};

/** The runs of the shard, of these those that `--grep` lets through. @throws TracerError `usage` where it lets none through */
function chosenRuns(suite: Suite, shard: Shard, args: Arguments): readonly SuiteRun[] {
  const grep = args.get(GREP);
  const all = runsOfShard(suite, shard);
  if (grep === undefined) return all;
  if (!suiteRuns(suite).some(({ id }) => grep.test(id))) {
    throw fail('usage', `No run of the suite has "${grep.source}" in its id.`, 'See the ids with --list.', {
      grep: grep.source,
    });
  }
  return all.filter(({ id }) => grep.test(id));
}

/** The line that standard output ends with: `SUITE: 3 runs on 1 adapter pass`. */
function lastLine(runs: readonly ShardRun[], suite: Suite, { index, count }: Shard): string {
  const which = count === 1 ? '' : ` (shard ${index}/${count})`;
  const { length } = suiteRuns(suite);
  if (runs.length === 0) return `SUITE: nothing to run${which}: the suite has ${plural(length, 'run')}`;
  return `${shardSentence(runs)}${which}`;
}

/** What every run would be made of. One whose model cannot be opened has no answer, and fails by itself when its turn comes. */
async function whatMakes(
  runs: readonly SuiteRun[],
  { suite, file, args, headers }: Pick<Circumstances, 'suite' | 'file' | 'args' | 'headers'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, MadeBy | undefined>> {
  const models = new Map<string, ReturnType<typeof fingerprintModel>>();
  const made = new Map<string, MadeBy | undefined>();
  const demands = {
    suite,
    adapter: [args.get(ADAPTER), args.get(DEVICE)].filter((word) => word !== undefined).join(' '),
    runtime: args.get(RUNTIME),
    repeat: args.get(REPEAT),
    isAccepted: args.has(UPDATE_BASELINE),
  };
  for (const run of runs) {
    const name = modelOf(run.model, file);
    const model = models.get(name) ?? fingerprintModel(name, { signal, headers });
    models.set(name, model);
    try {
      made.set(run.id, await madeBy(run, await model, { ...demands, baseline: baselineOf(run, suite, args) }));
    } catch (error) {
      if (toErrorData(error).code === 'run-cancelled') throw error;
      made.set(run.id, undefined);
    }
  }
  return made;
}

/** The adapter that runs would use; undefined where no result hangs on it, where there is none, or where only a browser knows. */
async function adapterNow(old: ShardResult, args: Arguments, runner: NodeRunner): Promise<AdapterName | undefined> {
  if (args.get(RUNTIME) === 'browser' || !old.runs.some(({ outcome }) => outcome?.runtime === 'node')) return undefined;
  return runner.adapter().then(adapterName, () => undefined);
}

/** All baselines are there before the first run. @throws TracerError `usage` naming the first that is not */
async function checkBaselines(runs: readonly SuiteRun[], suite: Suite, args: Arguments): Promise<void> {
  if (args.has(UPDATE_BASELINE)) return;
  for (const run of runs) {
    const file = baselineOf(run, suite, args);
    if (file !== undefined && (await readBaseline(file)) === undefined) throw noBaseline(file);
  }
}

/** What every run came to, as one status: errors before divergences; no adapter where that is all that is wrong. */
function exitStatus(runs: readonly ShardRun[]): number {
  const errors = runs.flatMap(({ outcome, failures }) => (outcome === undefined ? [failures.at(-1)?.code] : []));
  if (errors.length > 0) {
    const statuses = errors.map((code) => exitCodeOfError(code ?? 'internal'));
    const noAdapter = exitCode('no-adapter');
    return statuses.every((status) => status === noAdapter) ? noAdapter : exitCode('usage');
  }
  const passes = runs.every(
    ({ outcome }) =>
      outcome?.verdict.status === 'match' && outcome.baseline?.status !== 'moved' && outcome.unsteady === undefined,
  );
  return exitCode(passes ? 'pass' : 'diverged');
}

function sentenceOf({ outcome, failures }: ShardRun): string {
  if (outcome?.unsteady !== undefined) return outcome.unsteady;
  if (outcome?.baseline?.status === 'moved') return outcome.baseline.sentence;
  const last = failures.at(-1);
  return outcome?.verdict.sentence ?? `ERROR ${last?.code ?? 'internal'}: ${last?.message ?? ''}`;
}

async function readSuite(file: string, args: Arguments): Promise<Suite> {
  const suite = suiteFromJson(await readText(file));
  const measured = args.get(SECONDS);
  return measured === undefined ? suite : { ...suite, seconds: secondsFromReport(await readText(measured), measured) };
}

/** The file of an earlier start; undefined where there is none. @throws TracerError `trace-format`, `source-read` */
async function readShard(out: string): Promise<ShardResult | undefined> {
  const isThere = await access(out).then(
    () => true,
    () => false,
  );
  return isThere ? shardFromJson(await readText(out), out) : undefined;
}

/** Takes away what an earlier suite left in the file of `--out`. What is no such result stays until it is replaced. */
async function dropShard(out: string): Promise<void> {
  if (out === '-') return;
  const old = await readShard(out).catch(() => undefined);
  if (old !== undefined) await rm(out, { force: true });
}

/** Where the results go: `--out`, or `--json`, which every command has. */
function outputOf(args: Arguments): string {
  const [out, json] = [args.get(OUT), args.get(JSON_FILE)];
  if (out !== undefined && json !== undefined) {
    throw fail('usage', '--out and --json are the same to suite.', 'Give one of them.', { out, json });
  }
  const place = out ?? json;
  if (place !== undefined) return place;
  throw fail(
    'usage',
    'suite needs --out.',
    'Name the file for the results: --out shard-1.json, or - for standard output.',
  );
}
