import { readdirSync, readFileSync } from 'node:fs';

/** Documents for users and contributors; the folders' READMEs are lists of files. */
export const DOCUMENTS: readonly string[] = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'deploy/README.md'],
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
