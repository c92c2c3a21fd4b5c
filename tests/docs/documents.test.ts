import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCommandLine } from '../../src/cli/command-line/arguments';
import { anchorsOf, COLUMNS, commandsOf, DOCUMENTS, readDocument, wrapped } from '../support/documents';

/* What documents say of files and commands is there. `npm run docs` breaks their lines. */

/** Paths that a document names in code, as they stand in this repository. */
const PATH = /`((?:src|tests|docs|scripts|e2e|shaders|wasm|deploy|verification|capture|public)\/[\w./-]+)`/g;

/** Folders of the reader's own repository, in recipes. */
const THEIRS = ['tests/accepted'];

/** Notes by date tell of files as they were. */
const isNote = (file: string): boolean => /^docs\/notes\/\d|^CHANGELOG/.test(file);

describe.each(DOCUMENTS)('%s', (file) => {
  const text = readDocument(file);

  it('has links that lead somewhere', () => {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)|(?:src|srcset)="/g)) {
      if (target === '') continue;
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? file : join(dirname(file), path);
      expect(existsSync(found), `${target}`).toBe(true);
      if (anchor !== undefined) expect([...anchorsOf(readDocument(found))], target).toContain(anchor);
    }
    for (const [, target = ''] of text.matchAll(/\bsrc(?:set)?="([^"]+)"/g)) {
      expect(existsSync(join(dirname(file), target)), target).toBe(true);
    }
  });

  it('names paths that are there', () => {
    const named = isNote(file) ? [] : [...text.matchAll(PATH)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(path) && !THEIRS.includes(path))).toEqual([]);
  });

  it('has commands that the command line understands', () => {
    for (const { words } of commandsOf(text)) {
      expect(() => readCommandLine(words), words.join(' ')).not.toThrow();
    }
  });

  it(`is wrapped at ${COLUMNS} columns`, () => {
    // Another file may have written its tables since.
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, wrapped(readDocument(file)));
    else expect(wrapped(text)).toBe(text);
  });
});

it('wrapping breaks prose, and leaves lists, tables and code as they are', () => {
  const word = 'word '.repeat(30).trim();
  const document = `# ${word}\n\n    ${word}\n\n${word}\n\n* ${word}\n  more\n  1. ${word}\n\n| ${word} |\n\n\`\`\`\n${word}\n\`\`\`\n`;
  const lines = wrapped(document).split('\n');
  expect(lines.filter((line) => line.length > COLUMNS)).toEqual([`# ${word}`, `    ${word}`, `| ${word} |`, word]);
  expect(wrapped(wrapped(document))).toBe(wrapped(document));
  expect(lines.join(' ').split(/\s+/)).toEqual(document.split(/\s+/));
});
