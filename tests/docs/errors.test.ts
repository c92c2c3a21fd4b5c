import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/base/errors';
import { errorCatalogue, type CataloguedError } from '../support/error-catalogue';
import { generatedPart } from '../support/generated-part';

/* A page for each error code: what it means is written, its messages and remedies are those of the code (`npm run docs`). */

const catalogue = errorCatalogue('src');
const pageOf = (code: ErrorCode): string => `docs/errors/${code}.md`;

/** Text in a table's cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();

/** Of `internal` none: no input causes them. */
function messageTable(code: ErrorCode): string {
  const rows = catalogue.filter((error) => error.code === code && code !== 'internal').map(rowOf);
  return rows.length === 0 ? '' : ['| message | remedy |', '|---|---|', ...new Set(rows)].join('\n');
}

function rowOf({ message, remedy }: CataloguedError): string {
  return `| ${cell(message)} | ${cell(remedy)} |`;
}

/** What a page says first. */
function firstSentence(code: ErrorCode): string {
  const [, text = ''] = readFileSync(pageOf(code), 'utf8').split('\n\n');
  return /^.*?[.:](?= |$)/.exec(text.replaceAll('\n', ' '))?.[0].replace(/:$/, '.') ?? '';
}

describe('the page of', () => {
  it.each(ERROR_CODES)('%s says what it means, and has its messages', (code) => {
    const text = readFileSync(pageOf(code), 'utf8');
    expect(text.startsWith(`# ${code}\n\n`)).toBe(true);
    expect(firstSentence(code).length).toBeGreaterThan(20);
    const part = generatedPart(text, 'messages');
    const table = messageTable(code);
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(pageOf(code), part.with(table));
    else expect(part.text).toBe(table);
  });
});

it('every code is made somewhere, and has no page without a code', () => {
  const made = new Set(catalogue.map(({ code }) => code));
  expect(ERROR_CODES.filter((code) => !made.has(code))).toEqual([]);
  const pages = readdirSync('docs/errors').filter((name) => name !== 'README.md');
  expect(pages.sort()).toEqual(ERROR_CODES.map((code) => `${code}.md`).sort());
});

it('the list of codes is as the pages say', () => {
  const file = 'docs/errors/README.md';
  const rows = ERROR_CODES.map((code) => `| [${code}](${code}.md) | ${cell(firstSentence(code))} |`);
  const table = ['| code | |', '|---|---|', ...rows].join('\n');
  const part = generatedPart(readFileSync(file, 'utf8'), 'codes');
  if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, part.with(table));
  else expect(part.text).toBe(table);
});

it('links of the pages lead to files', () => {
  for (const code of ERROR_CODES) {
    for (const [, target = ''] of readFileSync(pageOf(code), 'utf8').matchAll(/\]\(([^)#]+)/g)) {
      expect(existsSync(`docs/errors/${target}`), `${code}: ${target}`).toBe(true);
    }
  }
});
