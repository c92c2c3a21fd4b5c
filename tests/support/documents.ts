import { readdirSync, readFileSync } from 'node:fs';

/** Documents for users and contributors; the folders' READMEs are lists of files. */
export const DOCUMENTS: readonly string[] = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'PROVENANCE.md', 'deploy/README.md'],
  ...['docs', 'capture'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .sort(),
  ),
];

/** Columns of prose. Tables and code are as wide as they are. */
export const COLUMNS = 100;

/** One line: the beginning of a paragraph or an item of a list, more of it, or what is not broken (tables, code, headings, HTML, nothing). */
interface Line {
  readonly text: string;
  readonly kind: 'begins' | 'continues' | 'other';
}

/** Blanks, the mark of an item, the rest. */
const ITEM = /^(\s*)((?:[-*+]|\d+\.) +)?(.*)$/;
/** Blanks beyond the text around it that make a line code. */
const CODE_INDENT = 4;

/** A document's lines. */
export function linesOf(document: string): readonly Line[] {
  let isFenced = false;
  let isOpen = false;
  /** Where the text of the current item of a list begins. */
  let item = 0;
  return document.split('\n').map((text): Line => {
    const isMark = /^\s*(?:```|~~~)/.test(text);
    const [, { length: indent } = '', mark = ''] = ITEM.exec(text) ?? [];
    if (isMark) isFenced = !isFenced;
    const isCode = isFenced || isMark || (!isOpen && indent >= item + CODE_INDENT);
    if (isCode || text.trim() === '' || /^\s*[|<#]/.test(text)) {
      isOpen = false;
      if (/^[|<#]/.test(text)) item = 0;
      return { text, kind: 'other' };
    }
    const kind = isOpen && mark === '' ? 'continues' : 'begins';
    if (kind === 'begins') item = mark === '' ? Math.min(item, indent) : indent + mark.length;
    isOpen = true;
    return { text, kind };
  });
}

/** The document with each paragraph and item of a list that is too wide broken at {@link COLUMNS}. */
export function wrapped(document: string): string {
  const out: string[] = [];
  let paragraph: string[] = [];
  const end = (): void => {
    out.push(...(paragraph.some((line) => line.length > COLUMNS) ? broken(paragraph) : paragraph));
    paragraph = [];
  };
  for (const { text, kind } of linesOf(document)) {
    if (kind !== 'continues') end();
    if (kind === 'other') out.push(text);
    else paragraph.push(text);
  }
  end();
  return out.join('\n');
}

/** Words of a line; what stands in backquotes or is a link's target is one. */
function tokens(text: string): readonly string[] {
  return text.match(/(?:`[^`]*`|\]\([^)]*\)|[^\s`])+/g) ?? [];
}

/** What would begin a list, a heading, a quotation or a table at the beginning of a line. */
const MARKUP = /^(?:[-*+>#|=]|\d+[.)]$|<!--)/;

function broken([head = '', ...more]: readonly string[]): readonly string[] {
  const [, indent = '', mark = '', rest = ''] = ITEM.exec(head) ?? [];
  const [first = '', ...words] = [rest, ...more].flatMap(tokens);
  const lines: string[] = [];
  let line = indent + mark + first;
  for (const word of words) {
    if (line.length + 1 + word.length > COLUMNS && !MARKUP.test(word)) {
      lines.push(line);
      line = indent + ' '.repeat(mark.length) + word;
    } else {
      line += ` ${word}`;
    }
  }
  return [...lines, line];
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(document: string): ReadonlySet<string> {
  return new Set(
    [...document.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

export function readDocument(file: string): string {
  return readFileSync(file, 'utf8');
}

/** A command line that a document shows. */
export interface ShownCommand {
  /** What the command line gets, without what a shell makes of the rest. */
  readonly words: readonly string[];
  /** The lines of output below it, where it stands behind a `$`. */
  readonly output: readonly string[];
}

const COMMAND = /^(?:npx (?:--no )?)?moescope [a-z]/;

/** Every command line in code: in blocks, in tables and in sentences. One that has a name in capitals in it is spoken of. */
export function commandsOf(document: string): readonly ShownCommand[] {
  const lines = linesOf(document).map(({ text, kind }) => (kind === 'other' ? text : ''));
  const inBlocks = lines.flatMap((text, i) => {
    const line = text.replaceAll('`', '').replace(/^[\s|$-]+(?:run:\s*)?/, '');
    if (!COMMAND.test(line)) return [];
    return [{ line, output: text.startsWith('$ ') ? outputBelow(lines.slice(i + 1)) : [] }];
  });
  // A sentence speaks of an option by its bare name, which may want a value.
  const inSentences = [...document.matchAll(/`((?:npx (?:--no )?)?moescope [a-z-]+ [^`]*)`/g)]
    .map(([, line = '']) => line)
    .filter((line) => !/\s--[\w-]+$/.test(line));
  return [...inBlocks, ...inSentences.map((line) => ({ line, output: [] }))]
    .map(({ line, output }) => ({ words: wordsOf(line), output }))
    .filter(({ words }) => words.length > 1 && !words.some((word) => /\.\.\.|^[A-Z_]+$/.test(word)));
}

/** What the last of several commands of a block has put out. */
function outputBelow(lines: readonly string[]): readonly string[] {
  const end = lines.findIndex((text) => text.startsWith('```') || text.startsWith('$ '));
  return lines.slice(0, end < 0 ? 0 : end).filter((text) => text.trim() !== '');
}

function wordsOf(line: string): readonly string[] {
  const bare = line
    .replace(/\s+#.*$/, '')
    .replace(/\s(?:[|>&]|2>).*$/, '')
    .replace(/ \\$/, '');
  const words = (bare.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^["']|["']$/g, ''));
  return words.slice(words.indexOf('moescope') + 1);
}
