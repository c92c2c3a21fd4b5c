import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { withImportColumn } from '../../scripts/architecture-table.mjs';
import { MAY_IMPORT } from '../../scripts/lib/import-directions.mjs';

const TEXT = readFileSync('ARCHITECTURE.md', 'utf8');

test('the import column of ARCHITECTURE.md is what the linter holds the code to', () => {
  expect(withImportColumn(TEXT, MAY_IMPORT)).toBe(TEXT);
});

test('every folder of src has a rule', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map((folder) => folder.name).filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
});

test('a changed rule changes the column, and nothing else', () => {
  const changed = withImportColumn(TEXT, { ...MAY_IMPORT, offline: ['base'] });
  expect(changed).not.toBe(TEXT);
  expect(withImportColumn(changed, MAY_IMPORT)).toBe(TEXT);
});

test('a folder without a row and a row without a folder are told', () => {
  expect(() => withImportColumn(TEXT, { ...MAY_IMPORT, attic: [] })).toThrow('no row for src/attic');
  const { offline, ...rest } = MAY_IMPORT;
  expect(offline).toEqual([]);
  expect(() => withImportColumn(TEXT, rest)).toThrow('no rule for src/offline');
});
