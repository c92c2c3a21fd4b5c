import type { Random } from '../../src/base/random';

/** What pre-tokenizers cut differently. */
const WRITTEN: readonly string[] = [
  '',
  ' ',
  'a',
  'Hello, world! How are you today?',
  '  leading and trailing  ',
  "I'm you're he's we've they'll I'd can't, and IT'S WE'RE I'M 'Tis o'clock 'S 'LL'd",
  "it's 'tis it\u2019s \u2018quoted\u2019 \u201cdouble\u201d",
  "'s't're've'm'll'd 'S'T'RE'VE'M'LL'D 'sS 'ReE",
  "it\u017f he'\u017f K\u212aelvin \u0130stanbul \u0131'l\u013d",
  'for (let i = 0; i < n; i++) {\n\tif (a[i] !== b[i]) return -1;\n}\n',
  'def f(x: int) -> str:\n    """Doc."""\n    return f"{x!r:>10}"  # comment\n',
  '#include <stdio.h>\r\nint main(void) {\r\n\treturn 0;\r\n}\r\n',
  'https://example.com/a/b?c=d&e=%20#f user@example.org C:\\temp\\x.txt',
  'camelCase PascalCase HTTPServer XMLHttpRequest snake_case_name __init__ SCREAMING_SNAKE iOS eBay',
  '0 1 12 123 1234 12345 123456 1234567 3.14159 1,000,000 1e-9 0xFF 2026-12-01 00:00:00',
  'a1b22c333d4444 v1.2.3-rc4 x86_64 H2O CO\u2082 \u00bd \u2167 \u0664\u0665\u0666\u0667 \u0968\u0969\u096a\u096b \uff11\uff12\uff13\uff14',
  'a  b   c    d\t\te \t f',
  'a\nb\n\nc\n\n\nd\r\ne\r\rf',
  'x \n y  \n  z\n \n\n w   ',
  '   \n\n   \n',
  '\n',
  '\r\n\r\n',
  'tail spaces 1     ',
  'nbsp\u00a0here\u00a0\u00a0two ideographic\u3000space\u3000\u3000two en\u2002em\u2003thin\u2009line\u2028para\u2029nel\u0085\u0085x ogham\u1680y narrow\u202fz',
  'bom\ufeffinside \ufeff zero\u200bwidth\u200c\u200djoin soft\u00adhyphen word\u2060joiner nul\u0000 unit\u001fsep \u001c\u001d del\u007f',
  'caf\u00e9 na\u00efve \u00c9COLE \u00dcBER stra\u00dfe \u0152uvre \u01c5ungla \u00aa\u00ba \u00b5m \u2126 \u212b',
  'e\u0301a\u0300 A\u030angstro\u0308m n\u0303 \u0301alone x\u20dd',
  '\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u041c\u043e\u0441\u043a\u0432\u0430-2026 \u0430\u0411\u0432\u0413 \u0451\u0401',
  '\u0393\u03b5\u03b9\u03ac \u03c3\u03bf\u03c5 \u039a\u03cc\u03c3\u03bc\u03b5 \u1f00\u03c1\u03c7\u03ae \u0561\u0580\u0574\u0565\u0576 \u0531\u0550\u0544 \u10e5\u10d0\u10e0\u10d7\u10e3\u10da\u10d8 \u1c90\u1c91',
  '\u4f60\u597d\uff0c\u4e16\u754c\uff01\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u300c\u5f15\u7528\u300d\u3001\uff08\u62ec\u53f7\uff09\u4e00\u4e8c\u4e09123\u56db',
  '\u3002\u3000\u3002\u3001\u3000\u3000\uff01 \u3000\u3000\u2019\u3000"\u2003"',
  '\u3053\u3093\u306b\u3061\u306f\u4e16\u754c\u30ab\u30bf\u30ab\u30ca\u30fc\u30fb\uff76\uff85 \u3005\u3006\u3007 \u6f22\u5b57kana\u304b\u306a42',
  '\uc548\ub155\ud558\uc138\uc694 \uc138\uacc4! \u1112\u1161\u11ab \u3131\u314f \ud55c\uad6d\uc5b4123',
  '\u3400\u4dbf\u4e00\u9fa5\u9fa6\u9fff\uf900\ufaff \u{20000}\u{2a6df}\u{2a700}\u{2f800} \u2e80\u2f00\u3105\u31a0',
  '\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\u060c \u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627 \u061f \u06f1\u06f2\u06f3 \u05e9\u05b8\u05dc\u05d5\u05b9\u05dd',
  '\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e \u0964 \u09ac\u09be\u0982\u09b2\u09be \u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0c24\u0c46\u0c32\u0c41\u0c17\u0c41',
  '\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01 \u1019\u103c\u1014\u103a\u1019\u102c \u1797\u17b6\u179f\u17b6 \u0f56\u0f7c\u0f51 \u12a0\u121b\u122d\u129b',
  '\u{1f600}\u{1f603} \u{1f468}\u200d\u{1f469}\u200d\u{1f467}\u{1f1e9}\u{1f1ea} \u2764\ufe0f \u261d\u{1f3fd} #\ufe0f\u20e3 a\u{1f680}b',
  '\u{10400}\u{10428} \u{1d400}\u{1d44e} \u{1d7d8}\u{1d7d9} \u{1e900}\u{1e922} \u{118a0}',
  '\u2190\u2192 \u2211\u222b\u221a \u20ac\u00a3\u00a5 \u00a9\u00ae\u2122 \u2026\u2014\u2013 \u00ab\u00bb \u00bf\u00a1 \u2022\u25cf \u2500\u2588',
  '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  ' ! " # $ % & ( ) * + , - . / : ; < = > ? @ [ \\ ] ^ _ ` { | } ~ ',
  '!a "b #c $d %e &f (g )h *i +j ,k -l .m /n :o ;p <q =r >s ?t @u [v \\w ]x ^y _z `A {B |C }D ~E',
  '---\n===\n***\n// comment\n/* block */\n<!-- html -->\n</div>\n\n```js\n```',
  'a/b/c \n/ //\n/\n path/\n',
  'mixed\u4e2d\u6587English\u65e5\u672c\u8a9e\ud55c\uad6d\u0440\u0443\u0441123\u03b1\u03b2\u03b3!',
  '\ue000\uf8ff private \u0378 unassigned \ufffd \ufffe \u{10ffff}',
  '1'.repeat(50),
  'A'.repeat(40),
  'aA'.repeat(20),
  '\u00c9\u00e9'.repeat(10),
  ' '.repeat(40) + '1' + ' '.repeat(33),
  '.'.repeat(40) + '\n'.repeat(9),
];

/** What a random text is made of: ASCII most of all, and of other scripts so much that their letters stand beside each other. */
const ALPHABETS: readonly (readonly [weight: number, first: number, last: number])[] = [
  ...([
    [20, 0x20, 0x7e],
    [10, 0x61, 0x7a],
    [6, 0x41, 0x5a],
    [6, 0x30, 0x39],
    [10, 0x20, 0x20],
    [4, 0x27, 0x27],
    [3, 0x0a, 0x0a],
    [2, 0x0d, 0x0d],
    [2, 0x09, 0x09],
    [2, 0x80, 0xff],
    [2, 0x100, 0x24f],
    [2, 0x300, 0x36f],
    [2, 0x370, 0x3ff],
    [2, 0x400, 0x52f],
    [1, 0x531, 0x5ff],
    [2, 0x600, 0x6ff],
    [2, 0x900, 0x9ff],
    [1, 0xe00, 0xeff],
    [1, 0x10a0, 0x10ff],
    [1, 0x1e00, 0x1fff],
    [3, 0x2000, 0x206f],
    [1, 0x2100, 0x218f],
    [1, 0x2190, 0x23ff],
    [1, 0x2c00, 0x2dff],
    [3, 0x3000, 0x30ff],
    [3, 0x4e00, 0x9fff],
    [1, 0xa640, 0xa7c9],
    [2, 0xac00, 0xd7a3],
    [2, 0xff00, 0xffef],
    [1, 0x10400, 0x104ff],
    [2, 0x1f600, 0x1f64f],
  ] as const),
];
const WEIGHT = ALPHABETS.reduce((sum, [weight]) => sum + weight, 0);

function randomCharacter(random: Random): string {
  let left = random.below(WEIGHT);
  for (const [weight, first, last] of ALPHABETS) {
    if (left < weight) return String.fromCodePoint(first + random.below(last - first + 1));
    left -= weight;
  }
  return '';
}

/** Written texts, pieces of them put together, and random strings. No character is newer than Unicode 15: llama.cpp would not know it. */
export function tokenizerTexts(random: Random, nRandom: number): readonly string[] {
  const piece = (): string => {
    const text = Array.from(WRITTEN[random.below(WRITTEN.length)] ?? '');
    const start = random.below(text.length + 1);
    return text.slice(start, start + 1 + random.below(12)).join('');
  };
  const made = Array.from({ length: nRandom }, (_, i) =>
    Array.from({ length: 1 + random.below(i % 2 === 0 ? 12 : 60) }, () =>
      i % 2 === 0 ? piece() : randomCharacter(random),
    ).join(''),
  );
  return [...WRITTEN, ...made];
}
