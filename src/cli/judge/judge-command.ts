import { say, shown, type ShownText } from '../../base/foreign-text';
import { formatMetric } from '../../base/format';
import { TOOL } from '../../base/version';
import { plainToJson } from '../../divergence/report-json';
import { JUDGEMENT_SCHEMA, type Judgement } from '../../judge/judge-trace';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { ARM_A } from '../diff/diff-options';
import { checkOutputs, writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';
import { noteLines } from '../terminal/note-lines';
import { openDumpJudge, readDump } from './judge-dump';

/** `moescope judge MODEL DUMP`. Exits with 1 where a stage is wrong, with 2 where nothing can be judged. */
export const judgeCommand: CommandRunner = async (args, terminal, signal) => {
  const [name = '', path = ''] = args.operands;
  const file = args.get(JSON_FILE);
  await checkOutputs([file]);
  const operand = await readDump(path, args.get(ARM_A));
  const judge = await openDumpJudge(name, signal);
  const { model } = judge;
  try {
    if (!args.has(QUIET)) terminal.err(noteLines(judge.notes));
    const judgement = await judge.judge(operand, args.get(ARM_A), signal);
    if (file !== undefined) {
      const document = {
        schema: JUDGEMENT_SCHEMA,
        tool: TOOL,
        model: model.name,
        headerSha256: model.headerSha256,
        dump: path,
        ignored: operand.ignored,
        ...judgement,
      };
      await writeOutput(file, `${plainToJson(document, 2)}\n`, terminal);
    }
    if (file !== '-') print(judgement, terminal);
    else if (!args.has(QUIET)) terminal.err(say`${judgement.verdict.sentence}\n`);
    return exitCode(EXITS[judgement.verdict.status]);
  } finally {
    await judge.dispose();
  }
};

const EXITS = { match: 'pass', diverged: 'diverged', 'not-finite': 'diverged', incomplete: 'usage' } as const;

function print({ verdict, arithmetic, rows }: Judgement, terminal: Terminal): void {
  terminal.out(say`${verdict.sentence}\n\n`);
  for (const { stage, type, arithmetic: named, worst, rows: all, explained } of arithmetic) {
    const what: ShownText = shown(`${stage}${type === '' ? '' : ` ${type}`}`.padEnd(24));
    terminal.out(
      say`  ${what} ${(named ?? 'unexplained').padEnd(16)} ${formatMetric(worst)} of its bound, ${explained} of ${all}\n`,
    );
  }
  const missing = rows.filter((row) => row.verdict === 'unmeasured' || row.verdict === 'missing');
  const stages = [...new Set(missing.map((row) => row.stage))];
  if (stages.length > 0)
    terminal.out(say`\n  not judged (not captured, or not with what they read): ${stages.join(', ')}\n`);
}
