import { NOTHING, say, shown, shownDocument, type ShownText } from '../../base/foreign-text';
import { fail } from '../../base/errors';
import { TOOL } from '../../base/version';
import { aprStageDiff, type AprStageDiff } from '../../divergence/apr-stage-diff';
import { compareTraces, tracesOf, type EngineTraces, type TraceComparison } from '../../divergence/compare-traces';
import { LIMITS } from '../../divergence/limits';
import { plainToJson } from '../../divergence/report-json';
import { rowsToCsv } from '../../divergence/rows-csv';
import { parseRange, parseStages } from '../../model/plan';
import { reportMarkdown } from '../../regression/report-markdown';
import { comparisonReport } from '../../share/comparison-report';
import type { Provenance } from '../../trace/trace';
import type { Arguments } from '../command-line/arguments';
import {
  CSV_FILE,
  JSON_FILE,
  LAYERS,
  MODEL_EXPLORER,
  QUIET,
  STAGES_OPTION,
  SUMMARY_FILE,
} from '../command-line/shared-options';
import { exitCode } from '../command-line/exit-codes';
import { writeModelExplorer } from '../trace/model-explorer-files';
import { checkOutputs, writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';
import { HTML_FILE, SVG_FILE } from '../share/share-options';
import { sharedFiles, writeShared } from '../share/write-shared';
import { styledVerdict, type Terminal } from '../terminal/terminal';
import { chooseEngine } from './choose-engine';
import { ENGINE_A, ENGINE_B, COMMON, COSINE, DIFF_FORCE, DIFF_FORMAT } from './diff-options';
import { aprDiffText, diffText } from './diff-text';
import { readOperand, type Operand } from './read-operand';

/** Additive changes keep the number. Rows, routing, run, limits and verdict are those of `moescope-report/1`. */
const DIFF_SCHEMA = 'moescope-diff/1';

/** `moescope diff A B`: two saved traces, or two APRT files, as a live run compares its engines. */
export const diffCommand: CommandRunner = async (args, terminal) => {
  const [pathA = '', pathB = ''] = args.operands;
  const shared = sharedFiles(args);
  const written = [JSON_FILE, CSV_FILE, SUMMARY_FILE, MODEL_EXPLORER].map((option) => args.get(option));
  await checkOutputs([...written, shared.html, shared.svg, shared.png]);
  // A misspelt stage is reported before large files are read.
  parseStages(args.get(STAGES_OPTION));
  const a = await readOperand(pathA);
  const b = pathB === pathA ? a : await readOperand(pathB);
  const format = args.get(DIFF_FORMAT);
  if (format === 'apr' || (a.aprt !== undefined && b.aprt !== undefined)) {
    if ((shared.html ?? shared.svg ?? shared.png ?? args.get(SUMMARY_FILE)) !== undefined) {
      throw fail(
        'usage',
        'Two APRT files make no picture and no summary.',
        'Give the folders of both traces to have one.',
      );
    }
    return diffAprt(a, b, args, terminal);
  }
  if (!args.has(QUIET)) for (const operand of new Set([a, b])) terminal.err(ignoredText(operand));
  const engineA = chooseEngine(a, args.get(ENGINE_A), '--engine-a');
  const engineB = chooseEngine(b, args.get(ENGINE_B), '--engine-b');
  const comparison = compareTraces(engineA, engineB, compareOptions(args, [engineA, engineB]));
  const report = comparisonReport(
    comparison,
    { name: pathA, traces: engineA },
    { name: pathB, traces: engineB },
    new Date().toISOString(),
    'node',
  );
  const summary = args.get(SUMMARY_FILE);
  if (summary !== undefined) await writeOutput(summary, reportMarkdown(report), terminal);
  await writeShared(report, shared, terminal);
  await writeResults(comparison, { a: sideOf(pathA, engineA), b: sideOf(pathB, engineB) }, args, terminal);
  return exitCode(comparison.verdict.status === 'match' ? 'pass' : 'diverged');
};

interface Side {
  readonly path: string;
  readonly traces: readonly Provenance[];
}

async function writeResults(
  comparison: TraceComparison,
  sides: { readonly a: Side; readonly b: Side },
  args: Arguments,
  terminal: Terminal,
): Promise<void> {
  const json = (): string => {
    const head = { schema: DIFF_SCHEMA, tool: TOOL, created: new Date().toISOString(), ...sides };
    return `${plainToJson({ ...head, ...comparison }, 2)}\n`;
  };
  const jsonFile = args.get(JSON_FILE);
  const csvFile = args.get(CSV_FILE);
  const explorerFile = args.get(MODEL_EXPLORER);
  if (jsonFile !== undefined) await writeOutput(jsonFile, json(), terminal);
  if (csvFile !== undefined) await writeOutput(csvFile, rowsToCsv(comparison.rows), terminal);
  if (explorerFile !== undefined) {
    const { rows, run } = comparison;
    const traces = [sides.b, sides.a].flatMap((side) => side.traces);
    const hparams = traces.find((one) => one.hparams !== undefined)?.hparams;
    await writeModelExplorer(explorerFile, rows, run.layers, hparams, terminal);
  }
  if (
    [jsonFile, csvFile, explorerFile, args.get(SUMMARY_FILE), args.get(HTML_FILE), args.get(SVG_FILE)].includes('-')
  ) {
    if (!args.has(QUIET)) terminal.err(say`${styledVerdict(terminal, 'err', shown(comparison.verdict.sentence))}\n`);
  } else if (args.get(DIFF_FORMAT) === 'json') {
    terminal.out(shownDocument(json()));
  } else {
    terminal.out(styledVerdict(terminal, 'out', diffText(comparison, sides.a.path, sides.b.path)));
  }
}

async function diffAprt(a: Operand, b: Operand, args: Arguments, terminal: Terminal): Promise<number> {
  if (a.aprt === undefined || b.aprt === undefined) {
    const { path } = a.aprt === undefined ? a : b;
    throw fail(
      'usage',
      `--format apr compares two APRT files; ${path} is none.`,
      'Give two .bin files that begin with APRT.',
      { path },
    );
  }
  const diff = aprStageDiff(a.aprt, b.aprt);
  const json = `${plainToJson(diff, 2)}\n`;
  const jsonFile = args.get(JSON_FILE);
  if (jsonFile !== undefined) await writeOutput(jsonFile, json, terminal);
  if (jsonFile !== '-') terminal.out(args.get(DIFF_FORMAT) === 'text' ? aprDiffText(diff) : shownDocument(json));
  return exitCode(passes(diff, args.get(COSINE) ?? LIMITS.cosine.value) ? 'pass' : 'diverged');
}

/** NaN anywhere makes the cosine NaN, which passes nothing. */
function passes(diff: AprStageDiff, limit: number): boolean {
  return diff.cosine_sim >= limit && Number.isFinite(diff.max_abs_diff);
}

function compareOptions(args: Arguments, engines: readonly EngineTraces[]): Parameters<typeof compareTraces>[2] {
  const cosineLimit = args.get(COSINE);
  const stages = args.get(STAGES_OPTION);
  const captures = engines.flatMap(tracesOf).flatMap((trace) => [...trace.captures.values()]);
  const nLayer = captures.reduce((n, { layer }) => Math.max(n, (layer ?? -1) + 1), 0);
  const layers = args.get(LAYERS) === 'all' ? undefined : new Set(parseRange(args.get(LAYERS), nLayer, 'layers'));
  return {
    common: args.has(COMMON),
    force: args.has(DIFF_FORCE),
    ...(cosineLimit === undefined ? {} : { cosineLimit }),
    ...(stages === 'all' ? {} : { stages: parseStages(stages) }),
    ...(layers === undefined ? {} : { layers: (layer) => layers.has(layer) }),
  };
}

function sideOf(path: string, traces: EngineTraces): Side {
  return { path, traces: tracesOf(traces).map(({ provenance }) => provenance) };
}

/** Files that were passed over, so that nothing is dropped silently. */
function ignoredText({ path, ignored }: Operand): ShownText {
  if (ignored.length === 0) return NOTHING;
  const shown = ignored.slice(0, 5).join(', ');
  return say`${path}: not part of a trace: ${shown}${ignored.length > 5 ? `, and ${ignored.length - 5} more` : ''}\n`;
}
