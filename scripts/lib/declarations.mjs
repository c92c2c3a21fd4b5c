import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { ROOT, run } from './process.mjs';

/** Where the compiler puts the declarations of everything that the fixture imports. */
const EMITTED = join(ROOT, '.cache/playwright-types');
const ENTRY = 'src/playwright/entry.d.ts';
const TARGET = join(ROOT, 'dist/playwright');

/** A relative module in `from '...'`, `import '...'` or `import('...')`. */
const RELATIVE = /(\bfrom\s+|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"]+)\2/g;

/**
 * Writes dist/playwright/entry.d.ts and, under types/, the declarations that it needs and no others. Modules are named with `.js`, as Node
 * asks of packages.
 * @returns {Promise<number>} the compiler's status
 */
export async function writeDeclarations() {
  rmSync(EMITTED, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const status = await run(process.execPath, [tsc, '-p', 'tsconfig.playwright.json']);
  if (status !== 0) return status;
  for (const file of reachable(ENTRY)) {
    const to = join(TARGET, 'types', file);
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, withExtensions(readFileSync(join(EMITTED, file), 'utf8')));
  }
  const entry = `./${relative(TARGET, join(TARGET, 'types', ENTRY)).replace(/\.d\.ts$/, '.js')}`;
  writeFileSync(join(TARGET, 'entry.d.ts'), `export * from '${entry}';\n`);
  rmSync(EMITTED, { recursive: true });
  return 0;
}

/**
 * Every declaration file that the entry leads to.
 * @param {string} entry relative to {@link EMITTED}
 * @returns {ReadonlySet<string>}
 */
function reachable(entry) {
  const found = new Set([entry]);
  for (const file of found) {
    const text = readFileSync(join(EMITTED, file), 'utf8');
    for (const [, , , specifier = ''] of text.matchAll(RELATIVE)) {
      const next = join(dirname(file), `${specifier}.d.ts`);
      if (existsSync(join(EMITTED, next))) found.add(next);
    }
  }
  return found;
}

/**
 * @param {string} text
 * @returns {string}
 */
function withExtensions(text) {
  return text.replace(RELATIVE, (_, before, quote, specifier) => `${before}${quote}${specifier}.js${quote}`);
}
