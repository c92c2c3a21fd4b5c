// The import column of ARCHITECTURE.md's code map, written from the linter's rules: `npm run architecture`.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAY_IMPORT } from './lib/import-directions.mjs';

/** A row of the code map that speaks of a folder of src: its name, what it is, what it may import. */
const ROW = /^\| `src\/([\w-]+)` \| (.*) \| ([^|]*) \|$/gm;

/**
 * The text with the import column of every row as the rules have it.
 * @param {string} text ARCHITECTURE.md
 * @param {Readonly<Record<string, readonly string[]>>} mayImport
 * @returns {string}
 * @throws Error when a folder has no row, or a row no folder
 */
export function withImportColumn(text, mayImport) {
  const rows = new Set([...text.matchAll(ROW)].map(([, folder]) => folder));
  const missing = Object.keys(mayImport).filter((folder) => !rows.has(folder));
  const unknown = [...rows].filter((folder = '') => !(folder in mayImport));
  if (missing.length > 0) throw new Error(`ARCHITECTURE.md has no row for src/${missing.join(', src/')}`);
  if (unknown.length > 0) throw new Error(`the linter has no rule for src/${unknown.join(', src/')}`);
  return text.replace(ROW, (_, folder, what) => `| \`src/${folder}\` | ${what} | ${words(mayImport, folder)} |`);
}

/** @param {Readonly<Record<string, readonly string[]>>} mayImport @param {string} folder */
function words(mayImport, folder) {
  return mayImport[folder]?.join(', ') || 'nothing';
}

const file = join(dirname(fileURLToPath(import.meta.url)), '..', 'ARCHITECTURE.md');
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(file, withImportColumn(readFileSync(file, 'utf8'), MAY_IMPORT));
}
