import { describe, expect, it } from 'vitest';
import { atlasPage } from '../../src/selftest/atlas/atlas-page';
import { atlasEntry, atlasText, type AtlasEntry } from '../../src/selftest/atlas/entry';
import { readAtlasEntry } from '../../src/selftest/atlas/read-entry';
import { atlasOf } from '../../src/selftest/atlas/table';
import {
  selftestVerdict,
  SELFTEST_SCHEMA,
  type SelftestReport,
  type SelftestRow,
} from '../../src/selftest/selftest-report';

const ROWS: readonly SelftestRow[] = [
  { kernel: 'ops/linear naive', types: ['Q4_K'], shape: '3 x 256', status: 'pass', ratio: 0.123456 },
  {
    kernel: 'ops/linear naive',
    types: ['Q6_K'],
    shape: '3 x 256',
    status: 'fail',
    ratio: 7,
    note: 'at /home/ada/secret',
  },
  {
    kernel: 'ops/linear_lane_group subgroup',
    types: ['Q6_K'],
    shape: '1',
    status: 'not-applicable',
    note: 'no subgroups',
  },
];

function report(change: Partial<SelftestReport> = {}): SelftestReport {
  return {
    schema: SELFTEST_SCHEMA,
    tool: { name: 'moescope', version: '1.2.3', commit: 'abcdef0' },
    created: '2026-11-30T18:36:21.000Z',
    runtime: 'browser',
    browser: { name: 'Chrome', version: '140.0.7339.80' },
    adapter: {
      vendor: 'acme',
      architecture: 'mk2',
      device: '',
      description: 'Acme 9/10 at C:\\Users\\ada on host.example/x/y ada@example.org driver 5.1 /opt/driver',
      isSoftware: false,
      features: ['shader-f16'],
      limits: {},
    },
    seconds: 12,
    verdict: selftestVerdict(ROWS),
    rows: ROWS,
    ...change,
  };
}

const ENTRY = atlasEntry(report());
const reread = (change: Readonly<Record<string, unknown>>): AtlasEntry | string =>
  readAtlasEntry(JSON.stringify({ ...ENTRY, ...change }));

describe('an entry', () => {
  it('holds the GPU, its driver, the browser and counts, and is read again', () => {
    expect(ENTRY).toEqual({
      schema: 'moescope-atlas-entry/1',
      version: '1.2.3',
      month: '2026-11',
      vendor: 'acme',
      device: 'Acme 9/10 at on',
      driver: '5.1',
      software: false,
      browser: 'Chrome 140',
      kernels: [
        { kernel: 'ops/linear naive', pass: 1, fail: 1, idle: 0, worst: 7 },
        { kernel: 'ops/linear_lane_group subgroup', pass: 0, fail: 0, idle: 1 },
      ],
      signedOff: true,
    });
    expect(readAtlasEntry(atlasText(ENTRY))).toEqual(ENTRY);
  });

  it('holds no day, no commit, no note, no path and no host', () => {
    const text = atlasText(ENTRY);
    for (const secret of ['2026-11-30', 'abcdef0', 'secret', 'Users', 'ada', 'host.example', 'opt']) {
      expect(text).not.toContain(secret);
    }
  });

  it('is read again whatever a driver calls itself', () => {
    for (const description of [
      '',
      'a'.repeat(5000),
      '\u202eevil\u0000\u001b[2J',
      '\u{1f600}'.repeat(400),
      ' driver ',
    ]) {
      const entry = atlasEntry(report({ adapter: { ...report().adapter, description } }));
      expect(readAtlasEntry(atlasText(entry)), description.slice(0, 20)).toEqual(entry);
    }
  });
});

describe('a file of a stranger is refused', () => {
  it.each<[string, AtlasEntry | string, string]>([
    ['other text', readAtlasEntry('{'), 'no JSON'],
    ['a list', readAtlasEntry('[]'), 'no object'],
    ['null', readAtlasEntry('null'), 'no object'],
    ['a large file', readAtlasEntry(' '.repeat(100_001)), 'more than 100000 characters'],
    ['deep nesting', readAtlasEntry('['.repeat(50_000)), ''],
    ['another schema', reread({ schema: 'moescope-atlas-entry/2' }), 'schema'],
    ['no sign-off', reread({ signedOff: undefined }), 'signed it off'],
    ['another member', reread({ user: 'ada' }), 'holds what no entry has: user'],
    ['a text that is none', reread({ vendor: 7 }), 'vendor is no text'],
    ['an empty text', reread({ vendor: '' }), 'vendor is no text'],
    ['a long text', reread({ device: 'a'.repeat(161) }), 'more than 160'],
    ['a text with an escape', reread({ driver: '\u001b[2J' }), 'not seen'],
    ['a month that is none', reread({ month: '2026-13' }), 'no month'],
    ['kernels that are none', reread({ kernels: {} }), 'no list'],
    ['no kernels', reread({ kernels: [] }), 'no list'],
    ['many kernels', reread({ kernels: new Array(501).fill(ENTRY.kernels[0]) }), 'no list'],
    ['a kernel twice', reread({ kernels: [ENTRY.kernels[0], ENTRY.kernels[0]] }), 'twice'],
    ['markup for a kernel', reread({ kernels: [{ ...ENTRY.kernels[0], kernel: '<img>' }] }), 'no name'],
    ['a count below 0', reread({ kernels: [{ ...ENTRY.kernels[0], pass: -1 }] }), 'count'],
    ['half a case', reread({ kernels: [{ ...ENTRY.kernels[0], fail: 0.5 }] }), 'count'],
    ['a ratio that is none', reread({ kernels: [{ ...ENTRY.kernels[0], worst: 'NaN' }] }), 'no ratio'],
    ['a member of a kernel', reread({ kernels: [{ ...ENTRY.kernels[0], note: 'x' }] }), 'holds what no entry has'],
    [
      'members of every object',
      readAtlasEntry('{"__proto__":{"schema":"moescope-atlas-entry/1"}}'),
      'holds what no entry has',
    ],
  ])('%s', (_name, read, why) => {
    expect(typeof read).toBe('string');
    expect(read).toContain(why);
  });
});

describe('the page', () => {
  const other = {
    ...ENTRY,
    month: '2027-01',
    version: '1.3.0',
    kernels: [{ kernel: 'ops/add', pass: 4, fail: 0, idle: 0 }],
  };

  it('adds up entries of one GPU, driver and browser', () => {
    const { lines, kernels, entries } = atlasOf([ENTRY, ENTRY, other, { ...ENTRY, driver: '5.2' }]);
    expect(entries).toBe(4);
    expect(kernels).toEqual(['ops/linear naive', 'ops/linear_lane_group subgroup', 'ops/add']);
    expect(lines.map(({ driver, entries: own }) => [driver, own])).toEqual([
      ['5.1', 3],
      ['5.2', 1],
    ]);
    expect(lines[0]).toMatchObject({ months: ['2026-11', '2027-01'], versions: ['1.2.3', '1.3.0'] });
    expect(lines[0]?.kernels.get('ops/linear naive')).toMatchObject({ pass: 2, fail: 2, worst: 7 });
  });

  it('escapes what strangers wrote, has no script, and says what fails', async () => {
    const hostile = { ...ENTRY, vendor: '<script>alert(1)</script>', device: '"><img src=x onerror=y>' };
    const page = await atlasPage(atlasOf([hostile, other]), 2);
    expect(page).not.toMatch(/<script|<img/);
    expect(page).toContain('&lt;script&gt;');
    expect(page).toContain("default-src 'none'");
    expect(page).toContain('1 fail');
    expect(page).toContain('2 files of the folder are no entry');
    expect(page).toContain('on 1 of them a kernel is out of its bound');
  });
});
