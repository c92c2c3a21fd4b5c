/**
 * The gate for text that a stranger wrote: names in a model file, a template's own error, ids in a shard's file, a server's answer. On its way to a
 * terminal, a log or a summary whatever would be obeyed is shown instead: control characters as `\x1b`, line breaks as `\n`, bidirectional marks as
 * `\u202e`, and the beginnings by which CI runners know a command. Sinks take {@link ShownText} only, so that a text which has not passed here does not compile.
 */

/** Not exported: nothing outside of this file can make a {@link ShownText}. */
const shownText: unique symbol = Symbol('text that has passed the gate');

/** A text that is safe to print: composed by {@link say} and its kin, in which every foreign part has been made visible. */
export interface ShownText {
  readonly [shownText]: string;
}

/** Characters of one foreign text that are shown; the rest is counted. Names and values in a hostile file may be megabytes long. */
export const MOST_SHOWN = 2000;
/** The same for a name beside others on a line. */
export const MOST_OF_NAME = 160;

/**
 * What a terminal, a browser or a reader's eye obeys rather than shows: controls, C1, marks of direction, line separators, what has no width, tags, halves of pairs,
 * and code points that are no characters. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const named = NAMED[character];
  if (named !== undefined) return named;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}

/** Makes what is unseen visible, and changes nothing else: for places that escape further, as XML does. Not cut, and no mark. */
export function visible(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/**
 * Takes the meaning from what CI runners look for: `::command` at the beginning of a line (GitHub), `##[command]` (GitHub, older), `##vso[` (Azure) and
 * `##teamcity[` anywhere. One character of each is written as its code. @param code how a code of two digits begins
 */
function uncommanded(text: string, code = '\\x'): string {
  return text.replace(/^(\s*:):/gm, `$1${code}3a`).replace(/(##[\w.]*)\[/g, `$1${code}5b`);
}

/** The first `most` characters of a text, whole ones, and how many follow. */
export function capped(text: string, most = MOST_SHOWN): string {
  if (text.length <= most) return text;
  const isPair = /[\ud800-\udbff]/.test(text.charAt(most - 1));
  const head = text.slice(0, isPair ? most - 1 : most);
  return `${head}... (${text.length - head.length} more characters)`;
}

/** One foreign text on one line. @param most characters that are shown; the rest is counted */
export function shown(text: string, most = MOST_SHOWN): ShownText {
  return { [shownText]: uncommanded(visible(capped(text, most))) };
}

/**
 * A template whose own words are ours, line breaks and colours included, and whose values are made visible unless they have been already:
 * say`model ${name}\n`.
 */
export function say(words: TemplateStringsArray, ...values: readonly (string | number | ShownText)[]): ShownText {
  let text = words[0] ?? '';
  values.forEach((value, i) => {
    const part =
      typeof value === 'number' ? String(value) : plainText(typeof value === 'string' ? shown(value) : value);
    text += part + (words[i + 1] ?? '');
  });
  // What stands before a value may be nothing but blanks, or the half of a command.
  return { [shownText]: uncommanded(text) };
}

/** Shown texts in a row. */
export function joined(texts: readonly ShownText[], between: ShownText = NOTHING): ShownText {
  return { [shownText]: uncommanded(texts.map(plainText).join(plainText(between))) };
}

/**
 * Text of several lines that stay lines: a text of this program that was put together as a plain string, or one whose line breaks are meant (what a model says).
 * Everything else in it is made visible. A foreign name must have been shown before it became part of it, or its line breaks look like ours.
 */
export function shownLines(text: string): ShownText {
  return { [shownText]: uncommanded(text.split('\n').map(visible).join('\n')) };
}

/** A document for standard output (JSON, CSV, XML): as {@link shownLines}, in JSON's own escapes, so that JSON keeps its value. */
export function shownDocument(text: string): ShownText {
  const code = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
  const inJson = (character: string): string =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, i) => code(character.charCodeAt(i))).join('');
  return { [shownText]: uncommanded(text.replace(UNSEEN, inJson), '\\u00') };
}

/** The text itself, for a sink. */
export function plainText(text: ShownText): string {
  return text[shownText];
}

/** A shown text in two: its first `length` characters, and the rest. */
export function splitText(text: ShownText, length: number): readonly [ShownText, ShownText] {
  const plain = plainText(text);
  return [{ [shownText]: plain.slice(0, length) }, { [shownText]: plain.slice(length) }];
}

/** No text at all. */
export const NOTHING: ShownText = { [shownText]: '' };

/** Makes a text visible that comes in pieces, as a model speaks: a command is seen although it is cut in two. */
export function shownStream(): (piece: string) => ShownText {
  /** The line so far: blanks and colons at its beginning, or what could come before a bracket. */
  let line = '';
  return (piece) => {
    let text = '';
    for (const character of piece) {
      if (character === '\n') {
        line = '';
        text += character;
        continue;
      }
      const isCommand = (character === ':' && /^\s*:$/.test(line)) || (character === '[' && /##[\w.]*$/.test(line));
      text += isCommand ? escaped(character) : character === '\t' ? character : visible(character);
      line = `${line}${character}`.slice(-MOST_REMEMBERED);
    }
    return { [shownText]: text };
  };
}

/** Characters of a line that a stream remembers: longer than any runner's prefix with the blanks before it that matter. */
const MOST_REMEMBERED = 64;

/** A text as a cell or a phrase of Markdown that GitHub shows: no markup, no HTML, no link, no mention, whatever is in it. */
export function markdownText(text: string): string {
  return (
    plainText(shown(text))
      .replace(/[&<>"'\\`*[\]|~$^]|(?<!\w)_|_(?!\w)/g, (c) => `&#${c.charCodeAt(0)};`)
      .replace(/:\/\//g, '&#58;//')
      .replace(/\bwww\./gi, (www) => `${www.slice(0, 3)}&#46;`)
      // A comment between sign and name: entities are resolved before GitHub looks for mentions.
      .replace(/@/g, '@<!-- -->')
  );
}

/**
 * A text for XML and HTML, between tags and in attributes of double quotes: markup escaped, and the unseen made visible: XML 1.0 cannot hold most controls at all.
 */
export function markupText(text: string): string {
  return visible(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** A foreign name as a part of a file's name: letters, digits, dots, dashes; never empty, hidden, or longer than 80. */
export function fileNameText(text: string): string {
  const safe = text
    .normalize('NFKC')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+|[.-]+$/g, '')
    .slice(0, 80);
  return safe === '' ? 'unnamed' : safe;
}
