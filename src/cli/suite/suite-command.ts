import { access } from 'node:fs/promises';
import { say, shown, shownDocument } from '../../base/foreign-text';
import { fail } from '../../base/errors';
import { TOOL } from '../../base/version';
import { secondsFromReport } from '../../regression/merge';
import { resumable, shardFromJson, shardToJson, SHARD_SCHEMA, type ShardRun } from '../../regression/shard-result';
import { runsOfShard, WHOLE } from '../../regression/shards';
import { suiteFromJson, type Suite } from '../../regression/suite';
import type { Arguments } from '../command-line/arguments';
import { ADAPTER, JSON_FILE, QUIET } from '../command-line/shared-options';
import { exitCode, exitCodeOfError } from '../command-line/exit-codes';
import { checkFolder, checkOutput, writeOutput } from '../files/output';
import { progressView } from '../terminal/progress';
import { readText } from '../files/read-text';
import type { CommandRunner } from '../command-line/command-runner';
import { styledVerdict } from '../terminal/terminal';
import { nodeRunner } from '../trace/node-runtime';
import { attempt } from './attempt';
import { OUT, REPORTS, RESUME, RETRIES, SECONDS, SHARD } from './suite-options';

/** `moescope suite FILE`: every run of a suite, or of one shard of it. */
export const suiteCommand: CommandRunner = async (args, terminal, signal) => {
  const [file = ''] = args.operands;
  const suite = await readSuite(file, args);
  const shard = args.get(SHARD) ?? WHOLE;
  const out = outputOf(args);
  const reports = args.get(REPORTS);
  const isQuiet = args.has(QUIET);
  const head = { tool: TOOL, suite, shard };
  const before = args.has(RESUME) && out !== '-' ? await whatWasDone(out, head) : undefined;
  await checkOutput(out);
  if (reports !== undefined) await checkFolder(reports);
  const mine = runsOfShard(suite, shard);
  const runs: ShardRun[] = [...(before?.runs ?? [])];
  const starts = (before?.starts ?? 0) + 1;
  const text = (running?: string): string => {
    const more = { ...(starts === 1 ? {} : { starts }), ...(running === undefined ? {} : { running }) };
    return shardToJson({ schema: SHARD_SCHEMA, ...head, ...more, runs });
  };
  // Before the first run, too: a shard that is killed at once is seen.
  const write = async (running?: string): Promise<void> => {
    if (out === '-') return;
    await writeOutput(out, text(running), terminal);
  };
  const runner = nodeRunner(args.get(ADAPTER));
  try {
    for (const [i, run] of mine.entries()) {
      if (runs.some((done) => done.id === run.id)) continue;
      await write(run.id);
      const failures = before?.broken?.id === run.id ? before.broken.failures : [];
      // A line every two seconds and run would bury what the runs came to: elsewhere than on a terminal only that is told.
      const view = progressView(terminal, isQuiet || !terminal.isInteractive);
      const circumstances = { suite, file, args, retries: args.get(RETRIES), terminal, signal, runner, view };
      const done = await attempt(run, failures, circumstances).finally(() => {
        view.clear();
      });
      runs.push(done);
      const sentence = styledVerdict(terminal, 'err', shown(sentenceOf(done)));
      if (!isQuiet) terminal.err(say`[${i + 1}/${mine.length}] ${run.id}: ${sentence}\n`);
    }
  } finally {
    await runner.dispose();
  }
  await write();
  if (out === '-') terminal.out(shownDocument(text()));
  return exitStatus(runs);
};

/** What every run came to, as one status: errors before divergences; no adapter where that is all that is wrong. */
function exitStatus(runs: readonly ShardRun[]): number {
  const errors = runs.flatMap(({ outcome, failures }) => (outcome === undefined ? [failures.at(-1)?.code] : []));
  if (errors.length > 0) {
    const statuses = errors.map((code) => exitCodeOfError(code ?? 'internal'));
    const noAdapter = exitCode('no-adapter');
    return statuses.every((status) => status === noAdapter) ? noAdapter : exitCode('usage');
  }
  const passes = runs.every(
    ({ outcome }) => outcome?.verdict.status === 'match' && outcome.baseline?.status !== 'moved',
  );
  return exitCode(passes ? 'pass' : 'diverged');
}

function sentenceOf({ outcome, failures }: ShardRun): string {
  if (outcome?.baseline?.status === 'moved') return outcome.baseline.sentence;
  const last = failures.at(-1);
  return outcome?.verdict.sentence ?? `ERROR ${last?.code ?? 'internal'}: ${last?.message ?? ''}`;
}

async function readSuite(file: string, args: Arguments): Promise<Suite> {
  const suite = suiteFromJson(await readText(file));
  const measured = args.get(SECONDS);
  return measured === undefined ? suite : { ...suite, seconds: secondsFromReport(await readText(measured), measured) };
}

async function whatWasDone(out: string, now: Parameters<typeof resumable>[1]): Promise<ReturnType<typeof resumable>> {
  const isThere = await access(out).then(
    () => true,
    () => false,
  );
  return isThere ? resumable(shardFromJson(await readText(out), out), now) : undefined;
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
