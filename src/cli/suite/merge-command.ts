import { say, shown, shownLines } from '../../base/foreign-text';
import { mergeShards, suiteReportToJson, type ShardFile } from '../../regression/merge';
import { suiteReportText } from '../../regression/merge-text';
import { shardFromJson } from '../../regression/shard-result';
import { suiteToJunit } from '../../regression/junit';
import { JSON_FILE, JUNIT_FILE, SUMMARY_FILE } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { checkOutputs, writeOutput } from '../files/output';
import { readText } from '../files/read-text';
import type { CommandRunner } from '../command-line/command-runner';
import { styledVerdict } from '../terminal/terminal';

/** `moescope merge SHARD...`: what all shards of a suite found, with what none of them did. */
export const mergeCommand: CommandRunner = async (args, terminal) => {
  const [json, junit, summary] = [args.get(JSON_FILE), args.get(JUNIT_FILE), args.get(SUMMARY_FILE)];
  await checkOutputs([json, junit, summary]);
  const files: ShardFile[] = [];
  for (const file of args.operands) files.push({ file, result: shardFromJson(await readText(file), file) });
  const report = mergeShards(files);
  if (json !== undefined) await writeOutput(json, suiteReportToJson(report), terminal);
  if (junit !== undefined) await writeOutput(junit, suiteToJunit(report), terminal);
  if (summary !== undefined) await writeOutput(summary, suiteReportText(report, 'markdown'), terminal);
  if (![json, junit, summary].includes('-')) {
    terminal.out(styledVerdict(terminal, 'out', shownLines(suiteReportText(report, 'plain'))));
  } else terminal.err(say`${styledVerdict(terminal, 'err', shown(report.sentence))}\n`);
  return exitCode(report.status === 'pass' ? 'pass' : 'diverged');
};
