// node verification/judge-tables.mjs: writes what verification/live-*.test.ts measured (test-results/live-*.jsonl) into docs/judge.md; what was not measured stays.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const DOCUMENT = 'docs/judge.md';

/** @param {string} name @returns {any[]} */
function rowsOf(name) {
  const lines = readFileSync(`test-results/${name}.jsonl`, 'utf8').split('\n').filter(Boolean);
  return [...new Map(lines.map((line) => JSON.parse(line)).map((row) => [row.id, row])).values()];
}

/** @param {readonly string[]} head @param {readonly (readonly (string | number)[])[]} rows */
function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** @template T @param {readonly T[]} rows @param {(row: T) => string} key */
function grouped(rows, key) {
  /** @type {Map<string, T[]>} */
  const groups = new Map();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

function matrix() {
  const rows = [...grouped(rowsOf('live-matrix'), (row) => row.model)].map(([model, all]) => {
    const above = all.filter(({ effect }) => effect === null || effect >= 2);
    const below = all.filter((row) => !above.includes(row));
    const named = above.filter(({ exact }) => exact).length;
    const smallest = Math.min(...above.flatMap(({ effect }) => effect ?? []));
    const seen = below.filter(({ lit }) => lit);
    const wrong = all.filter(({ lit, exact }) => lit && !exact).length;
    return [
      model,
      all.length,
      `${named} of ${above.length}`,
      smallest.toPrecision(2),
      `${seen.length} of ${below.length}`,
      wrong,
    ];
  });
  const head = [
    'file',
    'damages',
    'named exactly, above the limit',
    'the smallest of them, x bound',
    'seen below the limit',
    'blamed on another',
  ];
  return table(head, rows);
}

function clean() {
  const all = rowsOf('live-clean-runs');
  const worst = (/** @type {any[]} */ rows) => Math.max(...rows.map((row) => row.worst)).toPrecision(2);
  const rows = [...grouped(all, (row) => row.model)].map(([model, of]) => {
    const lit = of.filter(({ status }) => status !== 'match').length;
    return [model, of.length, lit, worst(of)];
  });
  const total = ['all', all.length, all.filter(({ status }) => status !== 'match').length, worst(all)];
  return table(['model', 'clean runs', 'called wrong', 'largest error, x bound of its arithmetic'], [...rows, total]);
}

function versions() {
  const rows = rowsOf('live-versions').map(({ id, version, plain, defaults, worst, changed }) => {
    const said = [plain, defaults].every((/** @type {string} */ sentence) => sentence.startsWith('MATCH'))
      ? 'match'
      : 'wrong';
    return [id, version || '(does not say)', said, worst.toPrecision(2), changed];
  });
  return table(
    [
      '`@node-llama-cpp/*`',
      'llama.cpp says',
      'judged',
      'largest error, x bound',
      'rows of logits that capturing changed',
    ],
    rows,
  );
}

function families() {
  const rows = rowsOf('live-families').map(({ id, arch, sentence, captured, stages, missing, runs, wrong }) => {
    const [status = ''] = sentence.split(':');
    const said = status === 'not run' ? 'not run: llama.cpp does not load the file' : status.toLowerCase();
    const shown = missing.map((/** @type {string} */ stage) => `\`${stage}\``);
    const more = shown.length > 6 ? `${shown.slice(0, 6).join(', ')} and ${shown.length - 6} more` : shown.join(', ');
    const ran = status !== 'not run';
    return [id, arch, said, ran ? `${captured} of ${stages}` : '', ran ? `${wrong.length} of ${runs}` : '', more];
  });
  return table(
    ['model', 'architecture', 'verdict', 'stages captured', 'called wrong, in all ways', 'stages that are not judged'],
    rows,
  );
}

/** Parts whose results are called otherwise. @type {Readonly<Record<string, string>>} */
const FILES = { clean: 'clean-runs' };

let text = readFileSync(DOCUMENT, 'utf8');
for (const [name, make] of Object.entries({ matrix, clean, versions, families })) {
  if (!existsSync(`test-results/live-${FILES[name] ?? name}.jsonl`)) continue;
  const [begin, end] = [`<!-- ${name}: node verification/judge-tables.mjs -->`, `<!-- /${name} -->`];
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`${DOCUMENT} has no part ${name}`);
  text = `${before}${begin}\n${make()}\n${end}${after}`;
}
writeFileSync(DOCUMENT, text);
