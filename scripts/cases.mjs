// npm run cases [-- ID ...] [--from REPORT]: the gallery: runs each case of lib/cases.mjs, and writes its picture with the run in it (public/cases),
// the dark one (docs/cases) and the facts of its page (docs/cases/ID.md). A case of another machine is made from the report that it wrote there.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { CASES } from './lib/cases.mjs';
import { ensureNodeModules } from './lib/install.mjs';
import { ROOT, runMain, SetupError } from './lib/process.mjs';
import { DIVERGED, MATCH, runCommand, typed, writePart } from './lib/recorded-run.mjs';

/** Where `npm start` serves the page. */
const PAGE = 'http://localhost:4173/';
/** Bytes of packed report that ride in a picture; long runs get by with what the map and its facts are made of. */
const RIDER_BYTES = 60_000;
const OF_MAP = [
  'a',
  'b',
  'mode',
  'layer',
  'stage',
  'verdict',
  'count',
  'relL2',
  'jaccard',
  'flips',
  'afterFlip',
].concat(['maxRatio', 'maxRatioIndex', 'perPositionRatio', 'worstPosition', 'nanA', 'nanB', 'infA', 'infB']);
const MARKS = /** @type {const} */ (['<!-- case: npm run cases -->', '<!-- /case -->']);

await runMain(async () => {
  await ensureNodeModules();
  await ensureBuilt(['cli']);
  const {
    values: { from },
    positionals: wanted,
  } = parseArgs({ allowPositionals: true, options: { from: { type: 'string' } } });
  const cases = CASES.filter(({ id }) => wanted.length === 0 || wanted.includes(id));
  if (cases.length === 0) {
    throw new SetupError(`There is no case ${wanted.join(', ')}.`, `Cases: ${CASES.map(({ id }) => id).join(', ')}`);
  }
  if (from !== undefined && (cases.length !== 1 || cases[0]?.machine === undefined))
    throw new SetupError(
      '--from is for one case of another machine.',
      'npm run cases -- healthy-30b --from report.json',
    );
  mkdirSync(join(ROOT, 'public/cases'), { recursive: true });
  const make = await pictures();
  const folder = mkdtempSync(join(tmpdir(), 'moescope-'));
  try {
    for (const one of cases) {
      if (one.machine !== undefined && from === undefined) {
        process.stdout.write(`${one.id}: left as it is; it was run on ${one.machine}\n`);
        continue;
      }
      process.stdout.write(`${one.id} ...\n`);
      if (from === undefined) writeCase(one, recordedRun(one, folder), 'svg', make);
      else writeCase(one, readFileSync(from), 'report', make);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return 0;
});

/**
 * The picture that the command line writes of a run, prompt and all: the run rides in it.
 * @param {import('./lib/cases.mjs').Case} one
 * @param {string} folder for what is not kept
 * @returns {Uint8Array}
 */
function recordedRun({ id, order, make, wrong }, folder) {
  const model = join(folder, `${id}.gguf`);
  if (make !== undefined) runCommand(['make-model', model, ...make], MATCH);
  const picture = join(folder, `${id}.svg`);
  const words = order.map((word) => (word === 'MODEL' ? model : word));
  runCommand([...words, '--svg', picture, '--with-prompt'], wrong ? DIVERGED : MATCH);
  if (make !== undefined) rmSync(model);
  return readFileSync(picture);
}

/**
 * @param {import('./lib/cases.mjs').Case} one
 * @param {Uint8Array} bytes
 * @param {'svg' | 'report'} kind
 * @param {Awaited<ReturnType<typeof pictures>>} make
 */
function writeCase(one, bytes, kind, { shared, slim, sheet, packed, riders, documents, link }) {
  const { report, view } = shared.readSharedFile(bytes, kind, `${one.id}.${kind}`);
  const rider = small(slim.slimView(report, view, RIDER_BYTES), riders.packView);
  const light = packed.pictureSvg(sheet.sheetPicture(report, view, false), rider);
  const dark = packed.plainSvg(sheet.sheetPicture(report, view, true));
  writeFileSync(join(ROOT, `public/cases/${one.id}.svg`), light);
  writeFileSync(join(ROOT, `docs/cases/${one.id}-dark.svg`), dark);
  const page = join(ROOT, `docs/cases/${one.id}.md`);
  if (!existsSync(page)) writeFileSync(page, `# ${one.title}\n\n${MARKS.join('\n')}\n`);
  writePart(page, MARKS, documents.wrapped(facts(one, report.verdict.sentence, `${PAGE}${link(report)}`)));
}

/**
 * @param {{ report: { rows: readonly object[] }, leftOut: readonly string[] }} rider
 * @param {(rider: object) => string} pack
 */
function small(rider, pack) {
  if (pack(rider).length <= RIDER_BYTES) return rider;
  /** @param {readonly [string, unknown]} entry */
  const isOfMap = ([name]) => OF_MAP.includes(name);
  const rows = rider.report.rows.map((row) => Object.fromEntries(Object.entries(row).filter(isOfMap)));
  const leftOut = [...rider.leftOut, 'what of each row no map is made of'];
  return { ...rider, report: { ...rider.report, rows }, leftOut };
}

/**
 * @param {import('./lib/cases.mjs').Case} one
 * @param {string} sentence
 * @param {string} whole the address that holds verdict and map itself
 */
function facts({ id, order, make, title }, sentence, whole) {
  const picture = [
    '<picture>',
    `  <source media="(prefers-color-scheme: dark)" srcset="${id}-dark.svg">`,
    `  <img src="../../public/cases/${id}.svg" width="100%" alt="${title}: the finding and the map">`,
    '</picture>',
  ];
  const model = order.map((word) => (word === 'MODEL' ? 'model.gguf' : word));
  const commands = [...(make === undefined ? [] : [['make-model', 'model.gguf', ...make]]), model].map(typed);
  return [
    ...picture,
    '',
    '```',
    ...commands.map((command) => `$ ${command}`),
    sentence,
    '```',
    '',
    `Open it, with \`npm start\` running: [the recorded run](${PAGE}?case=${id}), or [its verdict and map, in the address alone](${whole}).`,
  ].join('\n');
}

/** What of the page makes pictures and links, and what breaks the lines of documents. */
async function pictures() {
  const { runnerImport } = await import('vite');
  /** @param {string} path */
  const load = async (path) => (await runnerImport(join(ROOT, path))).module;
  const [shared, slim, sheet, packed, riders, summary, permalink, documents] = await Promise.all([
    load('src/share/shared-file.ts'),
    load('src/share/slim-report.ts'),
    load('src/share/picture.ts'),
    load('src/share/picture-svg.ts'),
    load('src/share/shared-view.ts'),
    load('src/share/summary.ts'),
    load('src/share/permalink.ts'),
    load('tests/support/documents.ts'),
  ]);
  /** @param {unknown} report */
  const link = (report) => permalink.writePermalink({ view: {}, options: {}, summary: summary.packSummary(report) });
  return { shared, slim, sheet, packed, riders, documents, link };
}
