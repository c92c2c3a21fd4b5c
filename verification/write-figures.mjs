// node verification/write-figures.mjs: the table of docs/verification.md, of what `npm run verify` left in test-results/.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

/** @typedef {import('./golden-lines').GoldenLine} GoldenLine */

const DOCUMENT = 'docs/verification.md';
const [BEGIN, END] = ['<!-- goldens: verification/write-figures.mjs -->\n', '\n<!-- /goldens -->'];
const RUNTIMES = /** @type {const} */ (['node', 'browser']);

/** @type {readonly GoldenLine[]} */
const lines = JSON.parse(readFileSync('test-results/golden-figures.json', 'utf8'));

const document = readFileSync(DOCUMENT, 'utf8');
const [before, rest] = document.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error(`${DOCUMENT} has no part goldens`);
writeFileSync(DOCUMENT, before + BEGIN + table() + END + after);
process.stdout.write(`${DOCUMENT}: ${new Set(lines.map(({ model }) => model)).size} models\n`);

/** One row a model: the largest figures of its prompts. */
function table() {
  const head = [
    '| model | architecture | prompts | exact: Node | browser | gpu: Node | browser | error / bound: Node | browser |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  const models = [...new Set(lines.map(({ model }) => model))].sort();
  return [...head, ...models.map(row)].join('\n');
}

/** @param {string} model */
function row(model) {
  const own = lines.filter((line) => line.model === model);
  const prompts = [...new Set(own.map(({ prompt }) => prompt))].sort();
  const cells = [
    ...figures(own, ({ exact }) => exact, small),
    ...figures(own, ({ gpu, isolated }) => Math.max(gpu, isolated), small),
    ...figures(
      own,
      ({ ratio }) => ratio,
      (x) => x.toFixed(2),
    ),
  ];
  return `| ${[model, own[0]?.arch ?? '', prompts.join(', '), ...cells].join(' | ')} |`;
}

/**
 * The largest of a figure in Node and in the browser.
 * @param {readonly GoldenLine[]} own
 * @param {(line: GoldenLine) => number} figure
 * @param {(x: number) => string} text
 */
function figures(own, figure, text) {
  return RUNTIMES.map((runtime) => {
    const values = own.filter((line) => line.runtime === runtime).map(figure);
    return values.length === 0 ? '' : text(Math.max(...values));
  });
}

/** @param {number} x */
function small(x) {
  return x.toExponential(1);
}
