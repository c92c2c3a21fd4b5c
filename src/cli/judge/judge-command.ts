import { fail } from '../../base/errors';
import { say, shown, type ShownText } from '../../base/foreign-text';
import { formatMetric } from '../../base/format';
import { TOOL } from '../../base/version';
import { plainToJson } from '../../divergence/report-json';
import { JUDGEMENT_SCHEMA, type Judgement } from '../../judge/judgement';
import { modelCard } from '../../session/model-card';
import { judgementReport } from '../../share/judgement-report';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { ENGINE_A } from '../diff/diff-options';
import { checkOutputs, writeOutput } from '../files/output';
import { sharedFiles, writeShared } from '../share/write-shared';
import type { Terminal } from '../terminal/terminal';
import { noteLines } from '../terminal/note-lines';
import { openDumpJudge, ownRun, readDump } from './judge-dump';
import { ROUTING } from './judge-spec';
import { routingCommand } from './routing-command';

/** `moescope judge MODEL... DUMP`, or `--routing FILE`. Exits with 1 where a stage or a choice is wrong, with 2 where nothing can be judged. */
export const judgeCommand: CommandRunner = async (args, terminal, signal) => {
  const file = args.get(JSON_FILE);
  const shared = sharedFiles(args);
  await checkOutputs([file, shared.html, shared.svg, shared.png]);
  const routing = args.get(ROUTING);
  if (routing !== undefined) return routingCommand(routing, args, terminal, signal);
  const [names, path] = [args.operands.slice(0, -1), args.operands.at(-1) ?? ''];
  if (names.length === 0)
    throw fail('usage', `judge takes MODEL... DUMP; it was given ${path}.`, 'See moescope judge --help.', {
      actual: path,
    });
  const operand = await readDump(path, args.get(ENGINE_A));
  const judge = await openDumpJudge(names, signal);
  const { model } = judge;
  try {
    if (!args.has(QUIET)) terminal.err(noteLines(judge.notes));
    const judgement = await judge.judge(operand, args.get(ENGINE_A), signal);
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
    const run = { ...judgement, trace: ownRun(operand, args.get(ENGINE_A)) };
    const card = modelCard(model, judge.hparams, judge.notes);
    await writeShared(judgementReport(run, card, new Date().toISOString()), shared, terminal);
    if (file !== '-' && shared.svg !== '-' && shared.html !== '-') print(judgement, terminal);
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
