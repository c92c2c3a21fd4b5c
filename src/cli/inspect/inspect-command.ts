import { toErrorData, type ErrorData } from '../../base/errors';
import { joined, say, shownLines, type ShownText } from '../../base/foreign-text';
import { formatBytes, formatCount } from '../../base/format';
import { scanModel } from '../../gguf/scan/scan-model';
import { inspectModel, type Inspection } from '../../session/inspect-model';
import { expertsText } from '../../model/hparams';
import { hasAlarm } from '../../session/scan-lines';
import { typesText } from '../../session/weight-table';
import { checkOutputs, writeOutput } from '../files/output';
import type { CommandRunner } from '../command-line/command-runner';
import { exitCode } from '../command-line/exit-codes';
import { JSON_FILE, QUIET } from '../command-line/shared-options';
import { readHeaders } from '../files/headers';
import { openNamedModel } from '../files/open-model';
import { byteProgress } from '../terminal/byte-progress';
import { errorText } from '../terminal/terminal';
import { SCAN } from './inspect-options';
import { scanText } from './scan-text';

/** `moescope inspect MODEL`: all that a file's header says, of a model that runs or not; with `--scan`, what every block of it holds. */
export const inspectCommand: CommandRunner = async (args, terminal, signal) => {
  const problems: ErrorData[] = [];
  const file = args.get(JSON_FILE);
  await checkOutputs([file]);
  const model = await openNamedModel(args.operands, {
    signal,
    headers: await readHeaders(args),
    report: (error) => problems.push(toErrorData(error)),
  });
  try {
    const inspection = inspectModel(model, problems);
    const progress = byteProgress('Reading', terminal, args.has(QUIET));
    const scan = args.has(SCAN) ? await scanModel(model, progress.show, signal).finally(progress.clear) : undefined;
    const found: Inspection = scan === undefined ? inspection : { ...inspection, scan };
    if (file !== undefined) await writeOutput(file, `${JSON.stringify(found, undefined, 2)}\n`, terminal);
    if (file !== '-') terminal.out(inspectionText(found));
    for (const obstacle of found.obstacles) terminal.err(errorText(obstacle, terminal));
    if (found.obstacles.length > 0) return exitCode('usage');
    return exitCode(scan !== undefined && hasAlarm(scan) ? 'diverged' : 'pass');
  } finally {
    await model.close();
  }
};

/** An inspection for people. */
export function inspectionText(found: Inspection): ShownText {
  const { hparams: h } = found;
  const facts: (readonly [string, string])[] = [
    ['file', `${found.file}, ${formatBytes(found.bytes)}`],
    ['header', `SHA-256 ${found.headerSha256}`],
    ['kind', `${found.arch}, ${found.quant}`],
    ...(h === undefined
      ? []
      : ([
          ['layers', `${h.nLayer}, nEmbd ${h.nEmbd}`],
          ['attention', `${h.nHead} heads of ${h.headDim} (qDim ${h.qDim}), ${h.nHeadKv} key-value heads`],
          ['experts', h.nExpert === 0 ? expertsText(h) : `${expertsText(h)}, nFfExp ${h.nFfExp}`],
          ['vocabulary', `${formatCount(h.nVocab)}${h.tiedEmbeddings ? ', tied embeddings' : ''}`],
          ['constants', `RMS epsilon ${h.rmsEps}, rotary base ${h.ropeTheta}`],
        ] as const)),
    ['tensors', formatCount(found.tensors.count)],
    ...(found.notes ?? []).map((note) => ['note', note] as const),
    ...(found.tokenizer === undefined ? [] : [['text', `token ids only: ${found.tokenizer.message}`] as const]),
    ...found.obstacles.map(({ message }) => ['in the way', message] as const),
  ];
  const types = Object.entries(found.tensors.byType).map(
    ([type, { count, bytes }]) => `    ${type.padEnd(8)} ${formatCount(count).padStart(6)}  ${formatBytes(bytes)}\n`,
  );
  const lines = facts.map(([name, text]) => say`  ${name.padEnd(11)}${text}\n`);
  return joined([
    say`${found.name}\n`,
    ...lines,
    shownLines(types.join('')),
    keysText(found),
    weightsText(found),
    found.scan === undefined ? say`` : scanText(found.scan),
  ]);
}

/** Characters of a value that a line shows: a chat template has thousands. */
const LONGEST_VALUE = 80;

function keysText({ metadata }: Inspection): ShownText {
  const entries = Object.entries(metadata);
  const width = entries.reduce((most, [key]) => Math.max(most, Math.min(key.length, WIDEST_KEY)), 0);
  const lines = entries.map(([key, value]) => {
    const text = typeof value === 'object' ? value.join(', ') : String(value);
    const shownValue =
      text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)} ... (${text.length} characters)` : text;
    return say`    ${key.padEnd(width)}  ${shownValue}\n`;
  });
  return joined([say`  keys\n`, ...lines]);
}

const WIDEST_KEY = 48;

function weightsText({ weights }: Inspection): ShownText {
  const width = weights.reduce((most, { name }) => Math.max(most, Math.min(name.length, WIDEST_KEY)), 0);
  const lines = weights.map((line) => {
    const { name, dims, count, bytes } = line;
    const times = count === 1 ? '' : `, ${formatCount(count)} tensors`;
    return say`    ${name.padEnd(width)}  ${dims.join(' x ')}${times}, ${formatBytes(bytes)}, ${typesText(line)}\n`;
  });
  return joined([say`  weights\n`, ...lines]);
}
