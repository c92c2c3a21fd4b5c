import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.mjs';

/** Packages whose code or fonts are inside what is built; what they need is found from here. A test holds this list to the imports of src/. */
export const BUNDLED = [
  '@fontsource/ibm-plex-mono',
  '@fontsource/ibm-plex-sans',
  '@fontsource/source-serif-4',
  '@huggingface/jinja',
  '@huggingface/tokenizers',
  'comlink',
  'd3',
  'fflate',
  'react',
  'react-dom',
  'zustand',
];

/** Where the licences of what is bundled go. */
export const LICENCES_FILE = 'dist/THIRD-PARTY.txt';

/**
 * Writes the licences of everything that is bundled: name, version, licence, and its text.
 * @throws {Error} when a package brings no licence text
 */
export function writeLicences() {
  const parts = packages().map(({ name, folder }) => {
    /** @type {{ version: string, license: string }} */
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
    if (file === undefined)
      throw new Error(`${name} brings no licence text: say in ${LICENCES_FILE} where it comes from.`);
    return `${name} ${version}, ${license}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  const head = 'MoEscope contains the following software and fonts, under their own licences.\n';
  writeFileSync(join(ROOT, LICENCES_FILE), [head, ...parts].join(`\n${'-'.repeat(72)}\n\n`));
}

/**
 * Those of {@link BUNDLED} and what they need, by name.
 * @returns {readonly { name: string, folder: string }[]}
 */
function packages() {
  /** @type {Map<string, string>} */
  const found = new Map();
  const waiting = [...BUNDLED];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const folder = join(ROOT, 'node_modules', name);
    // Types and options of a package that are not installed are not bundled either.
    if (found.has(name) || !existsSync(folder)) continue;
    found.set(name, folder);
    /** @type {{ dependencies?: Record<string, string> }} */
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    waiting.push(...Object.keys(dependencies));
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, folder]) => ({ name, folder }));
}
