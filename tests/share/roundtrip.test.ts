import { readFileSync } from 'node:fs';
import { deflateSync, strToU8, zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { toErrorData } from '../../src/base/errors';
import { reportFromJson, reportToJson } from '../../src/divergence/report-json';
import { DARK_MAP, LIGHT_MAP } from '../../src/plots/map/theme';
import { countMarks } from '../../src/plots/svg';
import { viewOfReport } from '../../src/plots/trace-view';
import { readReport } from '../../src/share/check-report';
import { cardPicture } from '../../src/share/card';
import { sheetPicture } from '../../src/share/picture';
import { pictureSvg } from '../../src/share/picture-svg';
import { addPngTexts, readPngTexts } from '../../src/share/png-text';
import { promptSha256, withoutPrompt } from '../../src/share/redact';
import { reportHtml } from '../../src/share/report-html';
import { PNG_KEYWORD, readSharedFile, sharedKind } from '../../src/share/shared-file';
import { inflateBounded, packView, unpackView } from '../../src/share/shared-view';
import { slimView } from '../../src/share/slim-report';
import { FIRST_VIEW, type ViewState } from '../../src/share/view-state';
import { STORIES } from '../../src/store/stories';
import { crc32 } from '../../src/trace/crc32';
import { generateReport } from '../support/reports';

const report = generateReport({ kind: 'qtype-blind' });
const view: ViewState = {
  ...FIRST_VIEW,
  unit: 'l2',
  basis: 'isolated',
  expert: 3,
  tab: 'numbers',
  selection: { layer: 2, stage: 'moe_expert_out', position: 3 },
};
const shared = slimView(report, view);
const svgOf = (): string => pictureSvg(sheetPicture(report, view), shared);
const bytesOf = (text: string): Uint8Array => strToU8(text);
const code = (action: () => unknown): string => {
  try {
    action();
  } catch (error) {
    return toErrorData(error).code;
  }
  return 'nothing thrown';
};

/** 1 x 1 pixels, written by hand: signature, IHDR, IDAT, IEND. */
function tinyPng(): Uint8Array {
  const chunk = (type: string, body: readonly number[]): number[] => {
    const typed = [...strToU8(type), ...body];
    const crc = crc32(Uint8Array.from(typed));
    const u32 = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
    return [...u32(body.length), ...typed, ...u32(crc)];
  };
  return Uint8Array.from([
    ...[137, 80, 78, 71, 13, 10, 26, 10],
    ...chunk('IHDR', [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]),
    ...chunk('IDAT', [...zlibSync(Uint8Array.of(0, 0))]),
    ...chunk('IEND', []),
  ]);
}

describe('a picture opens the same view again', () => {
  it('as SVG', () => {
    const text = svgOf();
    expect(sharedKind(bytesOf(text))).toBe('svg');
    expect(readSharedFile(bytesOf(text), 'svg', 'a.svg')).toEqual(shared);
    expect(shared.report.verdict).toEqual(report.verdict);
    expect(shared.report.rows).toHaveLength(report.rows.length);
    expect(shared.leftOut).toEqual([]);
  });

  it('as PNG, the rider compressed or not', () => {
    const png = addPngTexts(
      tinyPng(),
      new Map([
        [PNG_KEYWORD, packView(shared)],
        ['Description', 'one line'],
      ]),
    );
    expect(sharedKind(png)).toBe('png');
    expect(readSharedFile(png, 'png', 'a.png')).toEqual(shared);
    expect(readPngTexts(png, 'a.png').get('Description')).toBe('one line');
    // Pixels are untouched.
    expect(png.subarray(0, tinyPng().length - 12)).toEqual(tinyPng().subarray(0, -12));
  });

  it('as HTML and as JSON', async () => {
    const html = await reportHtml(shared);
    expect(sharedKind(bytesOf(html))).toBe('html');
    expect(readSharedFile(bytesOf(html), 'html', 'a.html')).toEqual(shared);
    const json = bytesOf(reportToJson(report, 1));
    expect(sharedKind(json)).toBe('report');
    expect(readSharedFile(json, 'report', 'a.json')).toEqual({ report, view: FIRST_VIEW, leftOut: [] });
  });

  it.each([
    ['another prefix', (s: string) => s.replaceAll('moescope:view', 'ns0:view').replace('xmlns:moescope', 'xmlns:ns0')],
    ['line breaks within the text', (s: string) => s.replace(/([A-Za-z0-9+/]{76})/g, '$1\n      ')],
    ['line breaks as references', (s: string) => s.replace(/([A-Za-z0-9+/]{200})/g, '$1&#10;')],
    ['CDATA', (s: string) => s.replace(/(<moescope:view[^>]*>)([^<]*)</, '$1<![CDATA[$2]]><')],
    ['Windows line ends and a byte order mark', (s: string) => `\ufeff${s.replaceAll('\n', '\r\n')}`],
    [
      'attributes in another order',
      (s: string) =>
        s.replace(
          /<svg ([^>]*)>/,
          (_, a: string) => `<svg ${(a.match(/[\w:-]+="[^"]*"/g) ?? []).reverse().join('  ')}>`,
        ),
    ],
    [
      'what Inkscape makes of it',
      (s: string) =>
        s
          .replace(
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<!-- Created with Inkscape (http://www.inkscape.org/) -->\n',
          )
          .replace(
            '<svg ',
            '<svg xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" inkscape:version="1.3" ',
          )
          .replace(
            '<metadata>',
            '<sodipodi:namedview id="namedview1" pagecolor="#ffffff" />\n  <defs id="defs1" />\n  <metadata\n     id="metadata1">',
          )
          .replace(
            /<moescope:view[^>]*>([^<]*)<\/moescope:view>/,
            '<moescope:view\n       id="view1"\n       xmlns:moescope="urn:moescope:view">\n$1\n    </moescope:view>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
          ),
    ],
  ])('after an editor has saved it with %s', (_, edit) => {
    const edited = edit(svgOf());
    expect(edited).not.toBe(svgOf());
    expect(sharedKind(bytesOf(edited))).toBe('svg');
    expect(readSharedFile(bytesOf(edited), 'svg', 'a.svg')).toEqual(shared);
  });

  it('does not take other XML for a picture that has lost its trace', () => {
    const read = (text: string) => () => readSharedFile(bytesOf(text), 'svg', 'a.xml');
    expect(read('<?xml version="1.0"?><testsuites/>')).toThrow(/found XML of another kind/);
    expect(read('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>')).toThrow(/a picture without a trace/);
  });
});

describe('hostile files are refused with a code', () => {
  const packed = packView(shared);
  it.each([
    [
      'a flipped letter',
      packed
        .replace(/.$/, '!')
        .replace(/([0-9a-f]{8}) /, (m) => (m.startsWith('0') ? `1${m.slice(1)}` : `0${m.slice(1)}`)),
    ],
    ['a later version', packed.replace('view/1', 'view/9')],
    ['no base64', `moescope-view/1 00000000 A`],
    ['no zlib', `moescope-view/1 00000000 AAAAAAAAAAAA`],
    ['no JSON', rider('no json')],
    ['JSON of another kind', rider('{"report":{"schema":"other"}}')],
    [
      'a stage that does not exist',
      rider(JSON.stringify({ report: { ...plain(), rows: [{ ...row(), stage: '__proto__' }] } })),
    ],
    ['rows that are no rows', rider(JSON.stringify({ report: { ...plain(), rows: [null] } }))],
    ['a billion layers', rider(JSON.stringify({ report: { ...plain(), run: { ...report.run, layers: [1e9] } } }))],
    [
      'text in place of a number',
      rider(JSON.stringify({ report: { ...plain(), rows: [{ ...row(), relL2: '<img onerror=alert(1)>' }] } })),
    ],
    ['endless nesting', rider(`{"report":${'['.repeat(200_000)}${']'.repeat(200_000)}}`)],
  ])('%s', (_, text) => {
    expect(code(() => unpackView(text, 'a.svg'))).toBe('trace-format');
  });

  it('a bomb is not unfolded', () => {
    const bomb = zlibSync(new Uint8Array(1 << 24), { level: 9 });
    expect(bomb.length).toBeLessThan(20_000);
    expect(code(() => inflateBounded(bomb, 'bomb', 1 << 20))).toBe('trace-format');
    expect(inflateBounded(bomb, 'bomb', 1 << 24)).toHaveLength(1 << 24);
    // Deflate without its wrapper is no zlib stream.
    expect(code(() => inflateBounded(deflateSync(new Uint8Array(9000)), 'raw'))).toBe('trace-format');
  });

  it('many small bombs are one bomb', () => {
    const text = ' '.repeat(1 << 16);
    const many = addPngTexts(tinyPng(), new Map(Array.from({ length: 40 }, (_, i) => [`k${i}`, text])));
    expect(many.length).toBeLessThan(8000);
    expect(code(() => readPngTexts(many, 'a.png'))).toBe('trace-format');
  });

  it('a schema that cannot become text', () => {
    const file = bytesOf('{"rows":[],"schema":{"toString":null}}');
    expect(code(() => readSharedFile(file, 'report', 'a.json'))).toBe('trace-format');
  });

  it('a picture without a view says so', () => {
    expect(code(() => readSharedFile(tinyPng(), 'png', 'cat.png'))).toBe('trace-format');
    expect(code(() => readSharedFile(bytesOf('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'svg', 'cat.svg'))).toBe(
      'trace-format',
    );
  });

  it('a PNG with a damaged text or cut short', () => {
    const png = addPngTexts(tinyPng(), new Map([[PNG_KEYWORD, packed]]));
    const damaged = png.slice();
    damaged[png.length - 40] = (damaged[png.length - 40] ?? 0) ^ 1;
    expect(code(() => readSharedFile(damaged, 'png', 'a.png'))).toBe('trace-format');
    expect(code(() => readSharedFile(png.subarray(0, png.length - 100), 'png', 'a.png'))).toBe('trace-format');
  });

  function rider(json: string): string {
    const bytes = strToU8(json);
    const base64 = Buffer.from(zlibSync(bytes)).toString('base64');
    return `moescope-view/1 ${crc32(bytes).toString(16).padStart(8, '0')} ${base64}`;
  }
  function plain(): Record<string, unknown> {
    return JSON.parse(reportToJson(report)) as Record<string, unknown>;
  }
  function row(): Record<string, unknown> {
    return { ...report.rows[0], layer: 0 };
  }
});

describe('what leaves', () => {
  it('no word, id or guess of the prompt is in a picture, file or rider without it', async () => {
    const bare = await withoutPrompt(report);
    const slim = slimView(bare, view);
    const files = [
      pictureSvg(sheetPicture(slim.report, view, true), slim),
      await reportHtml(slim),
      reportToJson(bare),
      reportToJson(unpackView(packView(slim), 'x')?.report ?? report),
    ];
    expect(pictureSvg(cardPicture(slim.report), slim)).not.toMatch(/brave|upon/);
    for (const file of files) {
      expect(file).not.toContain('brave');
      expect(file).not.toContain('upon');
      expect(file).toContain(await promptSha256(report));
    }
    expect(bare.run.tokens).toEqual([]);
    expect(viewOfReport(bare).tokenTexts).toHaveLength(report.run.tokens.length);
    expect(await promptSha256(bare)).toBe(await promptSha256(report));
  });

  it('with the prompt, it can be read', () => {
    expect(svgOf()).toContain('Once upon a time');
  });
});

describe('the picture stands alone', () => {
  it('says model, quantisation, adapter, limits, mode, version, date and verdict', () => {
    const text = svgOf()
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' ');
    for (const words of [
      report.model.name,
      report.model.quant,
      'SwiftShader (software)',
      report.model.headerSha256.slice(0, 40),
      'free-running and isolated',
      'cosine ≥ 0.99',
      '2026-11-23',
      'MoeRouter',
      'MoeFfnOut',
      'MoeExpertOut',
      'layer',
      'first wrong: layer 2, MoeExpertOut',
      'relative L2',
    ]) {
      expect(text).toContain(words);
    }
    expect(svgOf().replace(/\s+/g, ' ')).toContain('DIVERGED');
  });

  it('names a software adapter as such', () => {
    const picture = (isSoftware: boolean): string => {
      const adapter = report.adapter === undefined ? undefined : { ...report.adapter, isSoftware };
      const of = adapter === undefined ? report : { ...report, adapter };
      return pictureSvg(sheetPicture(of, view), shared) + pictureSvg(cardPicture(of), shared);
    };
    expect(picture(true)).toContain('software adapter');
    expect(picture(true)).toContain('(software)');
    expect(picture(false)).toContain('(hardware)');
    expect(picture(false)).not.toContain('software');
  });

  it('needs no style sheet: every look is an attribute, and nothing is fetched', () => {
    for (const kind of ['clean', 'qtype-blind', 'not-finite'] as const) {
      const of = generateReport({ kind, nTokens: 8 });
      for (const dark of [false, true]) {
        for (const picture of [sheetPicture(of, FIRST_VIEW, dark), cardPicture(of, dark)]) {
          const text = pictureSvg(picture, slimView(of, FIRST_VIEW)).replace(/<metadata>[^]*<\/metadata>/, '');
          expect(text).not.toMatch(/style=|var\(|url\(|href=/);
          expect(text).toContain(dark ? DARK_MAP.ink : LIGHT_MAP.ink);
          expect(text).not.toContain(dark ? LIGHT_MAP.ink : DARK_MAP.ink);
        }
      }
    }
  });

  it('the card is 1200 x 675, says what was found in a line, and names what was put in on purpose', () => {
    const large = generateReport({ kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 40 });
    const card = cardPicture(large);
    expect([card.width, card.height]).toEqual([1200, 675]);
    expect(countMarks(card.root)).toBeLessThan(1500);
    const text = pictureSvg(card, slimView(large, FIRST_VIEW)).replace(/<[^>]*>/g, '');
    for (const words of [
      'Diverged',
      'layer 16',
      'qtype-blind@layer=16',
      '(software)',
      'its shadow',
      'drop this picture',
    ]) {
      expect(text).toContain(words);
    }
    // Nothing sticks out at the foot: what the map leaves is the footer's.
    const heights = [...pictureSvg(card, slimView(large, FIRST_VIEW)).matchAll(/ y="([\d.]+)"/g)].map((m) =>
      Number(m[1]),
    );
    expect(Math.max(...heights)).toBeLessThan(675);
  });

  it('has the colours of the page', () => {
    const css = readFileSync('src/ui/styles/tokens.css', 'utf8');
    const names = [
      'paper',
      'panel',
      'raised',
      'ink',
      'ink2',
      'ink3',
      'rule',
      'rule2',
      'wrong',
      'right',
      'flip',
      'focus',
      'judged',
    ] as const;
    for (const name of names) {
      expect(css).toContain(`--${name}: light-dark(${LIGHT_MAP[name]}, ${DARK_MAP[name]})`);
    }
  });

  it('keeps within its budget, and says what was left out', () => {
    const large = generateReport({ kind: 'qtype-blind', nLayer: 12, nExpert: 64, nExpertUsed: 8, nTokens: 64 });
    const slim = slimView(large, view, 60_000);
    expect(packView(slim).length).toBeLessThanOrEqual(60_000);
    expect(slim.leftOut.length).toBeGreaterThan(0);
    expect(viewOfReport(slim.report).rows).toHaveLength(large.rows.length);
    expect(readReport(reportToJson(slim.report), 'slim').verdict).toEqual(large.verdict);
  });

  it('the HTML report runs no script and asks for nothing', async () => {
    const html = await reportHtml(shared);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script(?! type="text\/plain")/);
    expect(html).not.toMatch(/\b(?:src|href)="/);
    expect(html).not.toContain('unsafe-inline');
    expect(html).toContain(report.verdict.sentence);
  });

  it('the HTML report has its own faces and the map, says in colour what is wrong, and lists it before all else', async () => {
    const html = await reportHtml(shared);
    for (const face of ['IBM Plex Sans', 'IBM Plex Mono', 'Source Serif 4'])
      expect(html).toContain(`@font-face{font-family:'${face}'`);
    expect(html).toContain('src:url(data:font/woff2;base64,');
    expect(html).toMatch(/<h1><b class="wrong">Diverged<\/b>/);
    expect(html).toMatch(/b\.wrong[^{]*\{[^}]*color/);
    expect(html.match(/<svg [^>]*aria-label="Stages by layers"/g)).toHaveLength(2);
    const wrong = html.indexOf('over the limit</h2>');
    const folded = html.indexOf('<details><summary>Every comparison</summary>');
    expect(wrong).toBeGreaterThan(0);
    expect(folded).toBeGreaterThan(wrong);
    // Nothing that is in order stands before the fold.
    expect(html.slice(wrong, folded)).not.toMatch(/<tr><td>/);
  });

  it('markup in names stays text', async () => {
    const evil = { ...report, model: { ...report.model, name: '</title><script>alert(1)</script>' } };
    const html = await reportHtml({ ...shared, report: evil });
    expect(html).not.toContain('<script>alert');
    expect(pictureSvg(sheetPicture(evil, view), shared) + pictureSvg(cardPicture(evil), shared)).not.toContain(
      '<script>',
    );
  });

  it.each(STORIES.map(({ id }) => id))('the recorded story %s passes the check of strangers', (id) => {
    const text = readFileSync(`public/sample/recorded-${id}.json`, 'utf8');
    expect(readReport(text, 'sample')).toEqual(reportFromJson(text));
  });
});
