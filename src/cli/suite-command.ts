import { rename } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fail, toErrorData, type ErrorData } from '../base/errors';
import { TOOL } from '../base/version';
import type { Report } from '../divergence/report';
import { outcomeOf, shardToJson, SHARD_SCHEMA, type ShardRun } from '../regression/shard-result';
import { runsOfShard, WHOLE } from '../regression/shards';
import { suiteFromJson, type Suite, type SuiteRun } from '../regression/suite';
import type { Arguments } from './arguments';
import * as options from './commands';
import { exitCode } from './exit-codes';
import { isUrl } from './open-model';
import { checkOutput, writeOutput } from './output';
import { readText } from './read-text';
import type { CommandRunner } from './run-cli';
import type { Terminal } from './terminal';
import { noBaseline, readBaseline, updateBaseline, withBaseline } from './trace/baseline-file';
import type { TraceRequest } from './trace/request';
import { runSomewhere } from './trace/run-somewhere';

/** `moescope suite FILE`: every run of a suite, or of one shard of it. */
export const suiteCommand: CommandRunner = async (args, terminal, signal) => {
  const [file = ''] = args.operands;
  const suite = suiteFromJson(await readText(file));
  const shard = args.get(options.SHARD) ?? WHOLE;
  const out = args.get(options.OUT) ?? noOutput();
  const retries = args.get(options.RETRIES);
  const isQuiet = args.has(options.QUIET);
  await checkOutput(out);
  const mine = runsOfShard(suite, shard);
  const runs: ShardRun[] = [];
  // Before the first run: a shard that is killed at once is seen, too.
  const write = async (): Promise<void> => {
    const text = shardToJson({ schema: SHARD_SCHEMA, tool: TOOL, suite, shard, runs });
    if (out === '-') return;
    await writeOutput(`${out}.part`, text, terminal);
    await rename(`${out}.part`, out);
  };
  await write();
  for (const [i, run] of mine.entries()) {
    const done = await attempt(run, { suite, file, args, retries, terminal, signal });
    runs.push(done);
    await write();
    const { verdict, baseline } = done.outcome ?? {};
    const last = done.failures.at(-1);
    const sentence = baseline?.status === 'moved' ? baseline.sentence : verdict?.sentence;
    const line = sentence ?? `ERROR ${last?.code ?? 'internal'}: ${last?.message ?? ''}`;
    if (!isQuiet) terminal.err(`[${i + 1}/${mine.length}] ${run.id}: ${line}\n`);
  }
  if (out === '-') terminal.out(shardToJson({ schema: SHARD_SCHEMA, tool: TOOL, suite, shard, runs }));
  if (runs.some((run) => run.outcome === undefined)) return exitCode('usage');
  const passes = runs.every(
    ({ outcome }) => outcome?.verdict.status === 'match' && outcome.baseline?.status !== 'moved',
  );
  return exitCode(passes ? 'pass' : 'diverged');
};

interface Circumstances {
  readonly suite: Suite;
  readonly file: string;
  readonly args: Arguments;
  readonly retries: number;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Runs once, and again after an error. A divergence is a result and is not repeated; an interrupt ends everything. */
async function attempt(run: SuiteRun, circumstances: Circumstances): Promise<ShardRun> {
  const failures: ErrorData[] = [];
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  while (failures.length <= circumstances.retries) {
    try {
      const report = await runOnce(run, circumstances);
      return { id: run.id, seconds: seconds(), failures, outcome: outcomeOf(run.id, report) };
    } catch (error) {
      const data = toErrorData(error);
      if (data.code === 'run-cancelled') throw error;
      failures.push(data);
    }
  }
  return { id: run.id, seconds: seconds(), failures };
}

async function runOnce(run: SuiteRun, { suite, file, args, terminal, signal }: Circumstances): Promise<Report> {
  const { model, prompt, mode } = run;
  const request: TraceRequest = {
    model: isUrl(model.file) ? model.file : resolve(dirname(file), model.file),
    prompt:
      'tokens' in prompt
        ? { kind: 'tokens', tokens: prompt.tokens }
        : { kind: 'text', text: prompt.text, chat: prompt.chat ?? false },
    spec: {
      arms: ['gpu', 'cpu'],
      mode,
      stages: suite.stages ?? 'all',
      layers: suite.layers ?? 'all',
      positions: suite.positions ?? 'all',
    },
    adapter: args.get(options.ADAPTER),
    runtime: args.get(options.RUNTIME),
    save: undefined,
  };
  const report = await runSomewhere(request, () => undefined, signal, undefined);
  const folder = args.get(options.BASELINES);
  if (folder === undefined) return report;
  const baselineFile = join(folder, `${run.id.replaceAll('/', '-')}.json`);
  const baseline = await readBaseline(baselineFile);
  if (args.has(options.UPDATE_BASELINE)) {
    await updateBaseline(baselineFile, report, baseline, terminal);
    return report;
  }
  if (baseline === undefined) throw noBaseline(baselineFile);
  return withBaseline(report, baseline);
}

function noOutput(): never {
  throw fail(
    'usage',
    'suite needs --out.',
    'Name the file for the results: --out shard-1.json, or - for standard output.',
  );
}
