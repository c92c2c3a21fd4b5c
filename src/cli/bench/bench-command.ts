import { toErrorData } from '../../base/errors';
import { say } from '../../base/foreign-text';
import { checkWeights } from '../../model/bound-weights';
import { readHParams } from '../../model/read-hparams';
import { runBench } from '../../session/bench';
import { COMPARE, LIMIT, NEW_TOKENS, PROMPT_TOKENS, REPEATS } from './bench-options';
import { compareRates, comparisonText, ratesFromJson, ratesOf } from './bench-compare';
import { benchText } from './bench-text';
import { ADAPTER, BUDGET, DEVICE, JSON_FILE, QUIET } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { readDecoder } from '../generate/read-decoder';
import { readHeaders } from '../files/headers';
import { openNamedModel } from '../files/open-model';
import { readText } from '../files/read-text';
import { checkOutputs, writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';
import { noteLines } from '../terminal/note-lines';
import { statusLine } from '../terminal/status-line';
import { nodeHost } from '../trace/node-runtime';

/** `moescope bench MODEL`: how fast one engine is here, and where a token's time goes. */
export const benchCommand: CommandRunner = async (args, terminal, signal) => {
  const file = args.get(JSON_FILE);
  await checkOutputs([file]);
  const earlier = args.get(COMPARE);
  // What it is held to is read before the minutes that measuring takes.
  const before = earlier === undefined ? undefined : ratesFromJson(await readText(earlier), earlier);
  const choice = readDecoder(args);
  const status = statusLine(terminal, args.has(QUIET));
  const measured: string[] = [];
  const model = await openNamedModel(args.operands, { signal, headers: await readHeaders(args) });
  try {
    const hparams = readHParams(model);
    const notes = checkWeights(model, hparams);
    if (!args.has(QUIET)) terminal.err(noteLines(notes));
    const report = await runBench({
      model,
      hparams,
      host: nodeHost({ adapter: args.get(ADAPTER), device: args.get(DEVICE) }),
      ...choice,
      promptTokens: args.get(PROMPT_TOKENS),
      newTokens: args.get(NEW_TOKENS),
      repeats: args.get(REPEATS),
      gpuBudget: args.get(BUDGET),
      processPeakBytes: () => process.resourceUsage().maxRSS * 1024,
      signal,
      onPhase: status.show,
      onMeasured: (what) => {
        measured.push(what);
      },
    })
      .finally(() => {
        status.clear();
      })
      .catch((error: unknown) => {
        // An interrupt keeps what was measured so far.
        if (toErrorData(error).code === 'run-cancelled')
          for (const what of measured) terminal.err(say`measured before it ended: ${what}\n`);
        throw error;
      });
    if (file !== undefined) await writeOutput(file, `${JSON.stringify(report, undefined, 2)}\n`, terminal);
    if (file !== '-') terminal.out(benchText(report));
    if (before === undefined || earlier === undefined) return exitCode('pass');
    const comparison = compareRates(before, ratesOf(report), args.get(LIMIT));
    terminal[file === '-' ? 'err' : 'out'](comparisonText(comparison, earlier));
    return exitCode(comparison.isSlower ? 'diverged' : 'pass');
  } finally {
    await model.close();
  }
};
