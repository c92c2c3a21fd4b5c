import { say } from '../../base/foreign-text';
import { fail } from '../../base/errors';
import { TOOL } from '../../base/version';
import { createCpuEngine } from '../../cpu/engine/cpu-engine';
import { createRoundingEngine } from '../../cpu/ggml/ggml-engine';
import { plainToJson } from '../../divergence/report-json';
import { readRegular } from '../../gguf/regular-file';
import {
  FLIP_KINDS,
  judgeRouting,
  ROUTING_SCHEMA,
  routingShape,
  type RoutingJudgement,
} from '../../judge/judge-routing';
import { readHParams } from '../../model/read-hparams';
import { checkWeights } from '../../model/bound-weights';
import { readRouting, type Routing } from '../../trace/routing-file';
import type { Arguments } from '../command-line/arguments';
import { exitCode } from '../command-line/exit-codes';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { openNamedModel } from '../files/open-model';
import { writeOutput } from '../files/output';
import type { Terminal } from '../terminal/terminal';
import { noteLines } from '../terminal/note-lines';
import { nodeHost } from '../trace/node-runtime';
import { TOKENS } from '../trace/trace-options';
import { DRIFT, type Drift } from './judge-spec';

/** Flips that the terminal lists; the JSON has all. */
const MOST_SHOWN = 20;

/** `moescope judge MODEL... --routing FILE`. */
export async function routingCommand(
  path: string,
  args: Arguments,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const model = await openNamedModel(args.operands, { signal });
  const pool = nodeHost({ adapter: 'any' }).createPool(model);
  try {
    const hparams = readHParams(model);
    const notes = checkWeights(model, hparams);
    if (!args.has(QUIET)) terminal.err(noteLines(notes));
    const routing = readRouting(await readRegular(path), path, routingShape(hparams));
    const drift: Drift = args.get(DRIFT) ?? (routing.form === 'vllm' || routing.form === 'sglang' ? 'bf16' : 'q8');
    const judged = await judgeRouting({
      routing,
      tokens: promptOf(args, routing),
      hparams,
      exact: createCpuEngine({ model, hparams, pool }),
      drifting: createRoundingEngine({ model, hparams, pool }, drift),
      signal,
    });
    const file = args.get(JSON_FILE);
    if (file !== undefined) {
      const about = { schema: ROUTING_SCHEMA, tool: TOOL, model: model.name, headerSha256: model.headerSha256 };
      const document = { ...about, routing: path, form: routing.form, driftOf: drift, ...judged };
      await writeOutput(file, `${plainToJson(document, 2)}\n`, terminal);
    }
    if (file !== '-') print(judged, terminal);
    else if (!args.has(QUIET)) terminal.err(say`${judged.verdict.sentence}\n`);
    return exitCode(judged.verdict.status === 'match' ? 'pass' : 'diverged');
  } finally {
    await pool.dispose();
    await model.close();
  }
}

/** The prompt and what was generated behind it: as many tokens as there are choices. @throws TracerError `usage` */
function promptOf(args: Arguments, { tokens: told, nTokens }: Routing): readonly number[] {
  const tokens = args.get(TOKENS) ?? told;
  if (tokens !== undefined && tokens.length >= nTokens) return tokens;
  throw fail(
    'usage',
    `The file holds the choices of ${nTokens} tokens; ${tokens === undefined ? 'no tokens are' : `${tokens.length} are`} known.`,
    'Give the ids of the prompt, and of what was generated behind it, with --tokens.',
    { expected: nTokens, actual: tokens?.length ?? 0 },
  );
}

function print({ verdict, tokens, choices, flips }: RoutingJudgement, terminal: Terminal): void {
  terminal.out(say`${verdict.sentence}\n\n`);
  for (const kind of FLIP_KINDS)
    terminal.out(
      say`  ${kind.padEnd(6)} ${`${tokens[kind].count}`.padStart(8)} tokens ${`${choices[kind].count}`.padStart(10)} choices\n`,
    );
  const shown = flips.toSorted((a, b) => FLIP_KINDS.indexOf(b.kind) - FLIP_KINDS.indexOf(a.kind)).slice(0, MOST_SHOWN);
  if (shown.length > 0) terminal.out(say`\n`);
  for (const { layer, position, kind, chosen, instead, margin, drift } of shown)
    terminal.out(
      say`  ${kind.padEnd(6)} layer ${`${layer}`} position ${`${position}`}: ${chosen.join(', ')} for ${instead.join(', ')}, ${margin.toExponential(1)} below, drift ${drift.toExponential(1)}\n`,
    );
  if (flips.length > shown.length) terminal.out(say`  ... ${`${flips.length - shown.length}`} more\n`);
}
