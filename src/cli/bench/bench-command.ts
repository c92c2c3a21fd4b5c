import { checkWeights } from '../../model/weights';
import { readHParams } from '../../model/read-hparams';
import { runBench } from '../../session/bench';
import { NEW_TOKENS, PROMPT_TOKENS, REPEATS } from './bench-options';
import { benchText } from './bench-text';
import { ADAPTER, BUDGET, JSON_FILE, QUIET } from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { readDecoder } from '../generate/read-decoder';
import { openNamedModel } from '../files/open-model';
import { checkOutputs, writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';
import { statusLine } from '../terminal/status-line';
import { nodeHost } from '../trace/node-runtime';

/** `moescope bench MODEL`: how fast one arm is here, and where a token's time goes. */
export const benchCommand: CommandRunner = async (args, terminal, signal) => {
  const [name = ''] = args.operands;
  const file = args.get(JSON_FILE);
  await checkOutputs([file]);
  const choice = readDecoder(args);
  const status = statusLine(terminal, args.has(QUIET));
  const model = await openNamedModel(name, signal);
  try {
    const hparams = readHParams(model);
    checkWeights(model, hparams);
    const report = await runBench({
      model,
      hparams,
      host: nodeHost(args.get(ADAPTER)),
      ...choice,
      promptTokens: args.get(PROMPT_TOKENS),
      newTokens: args.get(NEW_TOKENS),
      repeats: args.get(REPEATS),
      gpuBudget: args.get(BUDGET),
      processPeakBytes: () => process.resourceUsage().maxRSS * 1024,
      signal,
      onPhase: status.show,
    }).finally(() => {
      status.clear();
    });
    if (file !== undefined) await writeOutput(file, `${JSON.stringify(report, undefined, 2)}\n`, terminal);
    if (file !== '-') terminal.out(benchText(report));
    return exitCode('pass');
  } finally {
    await model.close();
  }
};
