import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const FOLDER = fileURLToPath(new URL('../../src/gguf/', import.meta.url));
const FILES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));

it('only node-source.ts and what it opens files with import node:*, and nothing else here imports them: the page bundles the rest', () => {
  const importing = (what: RegExp): string[] =>
    FILES.filter((f) => what.test(readFileSync(`${FOLDER}${f}`, 'utf8'))).sort();
  expect(FILES.length).toBeGreaterThan(20);
  expect(importing(/from 'node:/)).toEqual(['node-source.ts', 'regular-file.ts']);
  expect(importing(/node-source'/)).toEqual([]);
  expect(importing(/regular-file'/)).toEqual(['node-source.ts']);
});

it('the README has every file', () => {
  const readme = readFileSync(`${FOLDER}README.md`, 'utf8');
  const missing = FILES.filter((f) => !readme.includes(f.replace('dequant/', '')));
  expect(missing).toEqual([]);
});
