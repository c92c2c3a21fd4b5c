import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  capped,
  fileNameText,
  joined,
  markdownText,
  markupText,
  plainText,
  say,
  shown,
  shownDocument,
  shownLines,
  shownStream,
  type ShownText,
} from '../../src/base/foreign-text';
import type { Terminal } from '../../src/cli/terminal/terminal';

/** What no sink may let through: what a terminal obeys, what turns text around, what has no width, and no characters. */
const OBEYED =
  /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
/** What a CI runner takes for a command. */
const COMMAND = /^\s*::|##[\w.]*\[/m;

const HOSTILE: readonly (readonly [what: string, text: string, expected: string])[] = [
  ['a title and a cleared screen', '\x1b]0;t\x07\x1b[2J', '\\x1b]0;t\\x07\\x1b[2J'],
  ['a carriage return', 'evil\rMATCH: forged', 'evil\\rMATCH: forged'],
  ['C1 controls', 'a\u009b31mb\u0085c', 'a\\x9b31mb\\x85c'],
  ['line breaks', 'a\nb\u2028c\u2029d', 'a\\nb\\u2028c\\u2029d'],
  ['marks of direction', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
  ['no characters', 'a\0b\uffff\ufffe\ufdd0', 'a\\x00b\\uffff\\ufffe\\ufdd0'],
  ['half a pair', 'a\ud800b', 'a\\ud800b'],
  ['tags', 'a\u{e0041}b', 'a\\u{e0041}b'],
  ['a command', '::error title=x::y', ':\\x3aerror title=x::y'],
  ['a command behind blanks', '   ::stop-commands::t', '   :\\x3astop-commands::t'],
  ['an older command', 'x ##[error]y', 'x ##\\x5berror]y'],
  ['a command of Azure', '##vso[task.setvariable]', '##vso\\x5btask.setvariable]'],
  ['other scripts and emoji', '模型 שלום 👩‍🚀 é', '模型 שלום 👩‍🚀 é'],
];

describe('a foreign text is shown, never obeyed', () => {
  test.each(HOSTILE)('%s', (_, text, expected) => {
    expect(plainText(shown(text))).toBe(expected);
    const line = plainText(say`${text}\n`);
    expect(line).toBe(`${expected}\n`);
    expect(line.trimEnd()).not.toMatch(OBEYED);
    expect(line).not.toMatch(COMMAND);
    // Once more changes nothing: what was shown has nothing left to be shown.
    expect(plainText(shown(expected))).toBe(expected);
  });

  test('a command is seen behind words of ours, and where two parts make it', () => {
    expect(plainText(say`\n${' ::error::x'}`)).toBe('\n :\\x3aerror::x');
    expect(plainText(say`${':'}${':error::x'}`)).not.toMatch(COMMAND);
    expect(plainText(joined([shown(':'), shown(':error::x')]))).not.toMatch(COMMAND);
    expect(plainText(say`${'##'}${'[error]'}`)).not.toMatch(COMMAND);
  });

  test('own words keep line breaks and colours, and a text that has passed is not shown twice', () => {
    expect(plainText(say`\x1b[1m${'a\n'}\x1b[0m\n${say`b\n`}${3}`)).toBe('\x1b[1ma\\n\x1b[0m\nb\n3');
  });

  test('what is long is cut, and the rest counted', () => {
    expect(plainText(shown('x'.repeat(1_000_000)))).toBe(`${'x'.repeat(2000)}... (998000 more characters)`);
    // No pair is cut in halves.
    expect(capped(`a${'😀'.repeat(9)}`, 4)).toBe('a😀... (16 more characters)');
  });

  test('lines stay lines, and each is gated', () => {
    expect(plainText(shownLines('a\x1b\n::error::b\n\tc'))).toBe('a\\x1b\n:\\x3aerror::b\n\\tc');
  });

  test('a document of JSON keeps its value', () => {
    const value = { prompt: 'a\u009b\u202e\u2028 😀\ud800', line: '::error::x', old: '##[x]' };
    const text = plainText(shownDocument(JSON.stringify(value, undefined, 1)));
    expect(JSON.parse(text)).toEqual(value);
    expect(text.replaceAll('\n', '')).not.toMatch(OBEYED);
  });

  test('a command is seen in a stream, wherever it is cut', () => {
    for (const text of ['::error::x', 'a\n ::warning::x', '##[group]x', '##vso[x]', 'a::b ##x', '\x1b[2J\t|']) {
      const whole = plainText(shownStream()(text));
      expect(whole).not.toMatch(COMMAND);
      for (let cut = 1; cut < text.length; cut++) {
        const next = shownStream();
        expect(plainText(next(text.slice(0, cut))) + plainText(next(text.slice(cut)))).toBe(whole);
      }
    }
    expect(plainText(shownStream()('a::b ##x\n## [y]'))).toBe('a::b ##x\n## [y]');
  });

  test('a terminal takes no string', () => {
    expectTypeOf<Parameters<Terminal['out']>[0]>().toEqualTypeOf<ShownText>();
    expectTypeOf<Parameters<Terminal['err']>[0]>().toEqualTypeOf<ShownText>();
    expectTypeOf<string>().not.toExtend<ShownText>();
  });
});

describe('a foreign text in Markdown', () => {
  test.each([
    ['an image', '![x](http://h/y.png)', '!&#91;x&#93;(http&#58;//h/y.png)'],
    ['HTML', '<img src=x>&lt;', '&#60;img src=x&#62;&#38;lt;'],
    ['a bar behind a backslash', 'a \\| b', 'a &#92;&#124; b'],
    ['a mention', '@octocat', '@<!-- -->octocat'],
    ['an address', 'see www.example.org', 'see www&#46;example.org'],
    ['emphasis and code', '*a* _b_ `c` moe_router', '&#42;a&#42; &#95;b&#95; &#96;c&#96; moe_router'],
    ['a line break', 'a\n# b', 'a&#92;n# b'],
  ])('%s', (_, text, expected) => {
    expect(markdownText(text)).toBe(expected);
  });
});

test('a foreign text in XML and HTML has no markup, and no character that XML cannot hold', () => {
  expect(markupText('<a & "b">\0\n\uffff😀')).toBe('&lt;a &amp; &quot;b&quot;&gt;\\x00\\n\\uffff😀');
});

test.each([
  ['../../etc/passwd', 'etc-passwd'],
  ['..', 'unnamed'],
  ['模型', 'unnamed'],
  ['a\0b\n c', 'a-b-c'],
  ['.hidden', 'hidden'],
  ['x'.repeat(300), 'x'.repeat(80)],
])('a foreign text as a file name: %s', (text, expected) => {
  expect(fileNameText(text)).toBe(expected);
});
