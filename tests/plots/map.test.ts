import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { without } from '../../src/base/without';
import type { Report, Row } from '../../src/divergence/report';
import { reportFromJson } from '../../src/divergence/report-json';
import { findingOf, findingText } from '../../src/plots/finding';
import { drawNames } from '../../src/plots/map/draw-frame';
import { drawMap, drawMapStrips } from '../../src/plots/map/draw-map';
import { drawSelection } from '../../src/plots/map/draw-marks';
import { humanNumber, plainNumber } from '../../src/plots/map/human-number';
import { mapLayout, mapPlaceAt, MAP_SIZES, windowOf } from '../../src/plots/map/layout';
import { mapLegend } from '../../src/plots/map/legend';
import { mapData, wrongPlaces } from '../../src/plots/map/map-data';
import { binOf, isHot, l2Limit, measureOf, type Measure } from '../../src/plots/map/measure';
import { DARK_MAP, LIGHT_MAP } from '../../src/plots/map/theme';
import { placeState } from '../../src/plots/place-state';
import { STAGES } from '../../src/model/stages';
import { shortFinding } from '../../src/plots/short-finding';
import { countMarks, svg, svgText } from '../../src/plots/svg';
import { Log } from '../../src/plots/row-log';
import { viewOfReport, type TraceView } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';

const dataOf = (report: Report, wish: Partial<Measure> = {}) => {
  const view = viewOfReport(report);
  return mapData(view, measureOf(view, wish));
};
const drawn = (report: Report, wish: Partial<Measure> = {}, width = 1036) => {
  const data = dataOf(report, wish);
  const layout = mapLayout(data, width, MAP_SIZES.page);
  return svg('svg', {}, ...drawMap(data, layout, LIGHT_MAP), ...drawMapStrips(data, layout, LIGHT_MAP, 0));
};
const changed = (report: Report, change: (row: Row) => Row): Report => ({ ...report, rows: report.rows.map(change) });

describe('the scale', () => {
  it('breaks at the bound: nothing at or below it is hot, nothing above it quiet', () => {
    expect([0, 1e-9, 1e-4, 5e-2, 0.99, 1].map((x) => binOf(x, 'ratio', 0.14))).toEqual([0, 1, 1, 4, 5, 5]);
    expect([1.001, 10, 11, 1e3, 1e5, 1e9].map((x) => binOf(x, 'ratio', 0.14))).toEqual([6, 6, 7, 7, 8, 9]);
  });

  it('breaks at the free-running limit in relative L2', () => {
    const limit = l2Limit({ limits: { cosine: 0.99, ratio: 1 } });
    expect(limit).toBeCloseTo(0.1411, 4);
    expect([0, 1e-7, 1e-4, limit].map((x) => binOf(x, 'l2', limit))).toEqual([0, 1, 4, 5]);
    expect([limit * 1.01, limit * 9, limit * 99, 1e4].map((x) => binOf(x, 'l2', limit))).toEqual([6, 7, 8, 9]);
  });

  it('knows what is not finite and what is not there', () => {
    expect([NaN, Infinity, undefined].map((x) => binOf(x, 'ratio', 1))).toEqual(['nonfinite', 'nonfinite', undefined]);
  });
});

describe('what is not finite because its inputs are not', () => {
  const story = reportFromJson(readFileSync('public/sample/recorded-qtype.json', 'utf8'));
  const data = dataOf(story);

  it('is the shadow of the tensor that made it, and wrong by itself nowhere', () => {
    expect(data.measure).toEqual({ basis: 'local', unit: 'ratio' });
    expect(data.row('local', 'attn_norm', 3)?.verdict).toBe('nan-both');
    expect(data.bin('moe_expert_out', 2)).toBe('nonfinite');
    expect(data.bin('attn_norm', 3)).toBe('inherited');
    expect(data.shade('attn_norm', 3)).toBe('full');
    expect(placeState(data, { layer: 3, stage: 'attn_norm' }).words).toBe('right by itself, its input is not finite');
    // A part of it is not finite, and the rest is right.
    expect(data.bin('moe_ffn_out', 2)).toBe(5);
    expect(data.shade('moe_ffn_out', 2)).toBe('full');
    expect(wrongPlaces(data)).toEqual([{ layer: 2, stage: 'moe_expert_out' }]);
  });

  it('is red where the file has it, which both sides read', () => {
    const first = { layer: 1, stage: 'attn_norm', position: 0, mode: 'isolated', metric: 'non-finite' } as const;
    const broken = { verdict: 'nan-both', nanA: 8, nanB: 8 } as const;
    const report: Report = {
      ...changed(generateReport({ kind: 'clean', nTokens: 4 }), (row) =>
        row.mode === 'isolated' && (row.layer ?? 0) >= 1 ? { ...row, ...broken } : row,
      ),
      verdict: { status: 'not-finite', sentence: '', first: { ...first, value: NaN, limit: 0, side: 'both' } },
    };
    const both = dataOf(report);
    expect(both.bin('attn_norm', 1)).toBe('nonfinite');
    expect(isHot(both.bin('q_proj', 1))).toBe(false);
    expect(wrongPlaces(both)).toEqual([{ layer: 1, stage: 'attn_norm' }]);
  });

  it('leaves the two names at the end of a strip apart, wherever its lines end', () => {
    for (const report of [story, generateReport({ kind: 'not-finite' }), generateReport({ kind: 'clean' })]) {
      const of = dataOf(report);
      const text = svgText(svg('svg', {}, ...drawMapStrips(of, mapLayout(of, 1036, MAP_SIZES.page), LIGHT_MAP, 0)));
      const labels = [
        ...text.matchAll(/<text x="\d+(?:\.\d+)?" y="([\d.]+)"[^>]*>(?:local|isolated|free(?:: NaN)?)</g),
      ];
      const heights = labels.map(([, y]) => Number(y)).toSorted((a, b) => a - b);
      expect(heights.length).toBeGreaterThan(3);
      heights.slice(1).forEach((y, i) => {
        expect(y - (heights[i] ?? 0)).toBeGreaterThan(12);
      });
    }
  });
});

describe('what is wrong behind the prompt', () => {
  const clean = generateReport({ kind: 'clean', nTokens: 4 });
  const first = {
    layer: 2,
    stage: 'attention',
    position: 4,
    mode: 'local',
    metric: 'ratio',
    value: 30,
    limit: 1,
  } as const;
  const of = (more: object): Report => ({
    ...clean,
    verdict: { status: 'diverged', sentence: '', first: { ...first, ...more } },
  });

  it('is said, and is no cell of the map', () => {
    const report = of({});
    const { head, facts } = findingOf(viewOfReport(report), report);
    expect(findingText(head)).toBe('Diverged while decoding at layer 2: Attention is wrong.');
    expect(findingText(facts[1]?.words ?? [])).toContain('30 × what f32 rounding allows');
    const data = dataOf(report);
    expect([data.first, data.culprits.size, wrongPlaces(data)]).toEqual([undefined, 0, []]);
  });

  it('is said of a token that its logits do not say, and of other bits', () => {
    const choice = of({ stage: 'lm_head', layer: undefined, metric: 'choice', value: 7, limit: 9 });
    const said = findingOf(viewOfReport(choice), choice);
    expect(findingText(said.head)).toBe('Diverged while decoding: the token is not what its own logits say.');
    expect(findingText(said.facts[1]?.words ?? [])).toBe('It goes on with token 7; its logits are highest at 9.');
    const bits = of({ position: 1, mode: 'free', metric: 'bits', value: 12, limit: 0 });
    const found = findingOf(viewOfReport(bits), bits);
    expect(findingText(found.head)).toBe('Diverged: run another way, the same prompt gives other bits.');
    expect(findingText(found.facts[1]?.words ?? [])).toBe('12 captured tensors changed.');
    expect(measureOf(viewOfReport(bits)).basis).toBe('isolated');
  });
});

describe('the page’s measure', () => {
  const report = generateReport({ kind: 'qtype-blind' });

  it('is the one that decided the verdict: error over bound of isolated stages, never the drift alone', () => {
    expect(measureOf(viewOfReport(report))).toEqual({ basis: 'isolated', unit: 'ratio' });
  });

  it('has no bound free-running, whatever is wished', () => {
    expect(measureOf(viewOfReport(report), { basis: 'free', unit: 'ratio' })).toEqual({ basis: 'free', unit: 'l2' });
  });

  it('is local where a stranger was judged, and free-running where nothing else was compared', () => {
    const local = changed(report, (row) => (row.mode === 'isolated' ? { ...row, mode: 'local' } : row));
    expect(measureOf(viewOfReport(local), { basis: 'isolated' })).toEqual({ basis: 'local', unit: 'ratio' });
    const free = { ...report, rows: report.rows.filter((row) => row.mode === 'free') };
    expect(measureOf(viewOfReport(free))).toEqual({ basis: 'free', unit: 'l2' });
  });
});

describe('the map', () => {
  it('never paints what was not compared as exact, and never what is exact as not compared', () => {
    const bare = changed(generateReport({ kind: 'clean', nTokens: 4 }), (row) => without(row, 'perPositionRatio'));
    const report = changed(bare, (row) =>
      row.stage !== 'moe_expert_gate' || row.layer !== 3
        ? row
        : { ...row, perPositionRatio: [0, undefined, 0.5, NaN], perPosition: [0, undefined, 1e-8, NaN] },
    );
    const data = dataOf(report);
    const layout = mapLayout(data, 1036, MAP_SIZES.page);
    const all = changed(report, (row) => ({ ...row, perPositionRatio: row.perPositionRatio ?? [0.1, 0.1, 0.1, 0.1] }));
    expect(layout.tokens).toBe(false);
    const text = svgText(drawn(all));
    expect(text).toContain('stroke-dasharray="2 2"');
    const none = changed(all, (row) => ({ ...row, perPositionRatio: [0.1, 0.1, 0.1, 0.1] }));
    expect(svgText(drawn(none))).not.toContain('stroke-dasharray="2 2"');
    // A row without a compared value is no zero either.
    const empty = changed(report, (row) =>
      row.stage === 'ffn_norm' ? { ...row, count: 0, verdict: 'unmeasured' } : row,
    );
    expect(dataOf(empty).bin('ffn_norm', 0)).toBeUndefined();
    expect(dataOf(report).bin('embedding', undefined)).toBe(0);
  });

  it('tints nothing before the culprit, nothing on a match, nothing free-running', () => {
    const broken = dataOf(generateReport({ kind: 'qtype-blind', nLayer: 6 }));
    expect(broken.first).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    for (const { stage } of broken.rows) {
      expect(broken.shade(stage, 1)).toBe('none');
      expect(broken.shade(stage, 4)).toBe('full');
    }
    expect(broken.shade('moe_expert_out', 2)).toBe('none');
    expect(broken.shade('moe_expert_gate', 2)).toBe('none');
    expect(broken.shade('moe_ffn_out', 2)).toBe('full');
    expect(broken.shade('lm_head', undefined)).toBe('full');
    expect(broken.shade('embedding', undefined)).toBe('none');
    const clean = dataOf(generateReport({ kind: 'clean' }));
    expect(clean.rows.map(({ stage }) => clean.shade(stage, 5))).not.toContain('full');
    const free = dataOf(generateReport({ kind: 'qtype-blind' }), { basis: 'free' });
    expect(free.rows.map(({ stage }) => free.shade(stage, 4))).not.toContain('full');
  });

  it('walks over what is wrong by itself and nothing else', () => {
    const data = dataOf(generateReport({ kind: 'qtype-blind', nLayer: 6 }));
    expect(wrongPlaces(data)).toEqual([{ layer: 2, stage: 'moe_expert_out' }]);
    expect(wrongPlaces(dataOf(generateReport({ kind: 'clean' })))).toEqual([]);
  });

  it('names the first wrong tensor only where a comparison can blame', () => {
    expect(svgText(drawn(generateReport({ kind: 'qtype-blind' })))).toContain('first wrong: layer 2, MoeExpertOut');
    const report = generateReport({ kind: 'qtype-blind' });
    const { first } = report.verdict;
    const parted: Report = {
      ...report,
      rows: report.rows.filter((row) => row.mode === 'free'),
      verdict: {
        ...report.verdict,
        ...(first === undefined ? {} : { first: { ...first, mode: 'free', metric: 'cosine' } }),
      },
    };
    const text = svgText(drawn(parted));
    expect(text).toContain('they part: layer 2');
    expect(text).not.toContain('first wrong');
  });

  it('cuts cells into tokens where each has three pixels, and says under the pointer which', () => {
    const report = changed(generateReport({ kind: 'clean', nTokens: 8 }), (row) => ({
      ...row,
      perPositionRatio: Array.from({ length: 8 }, () => 0.1),
    }));
    const data = dataOf(report);
    const layout = mapLayout(data, 1036, MAP_SIZES.page);
    expect(layout.tokens).toBe(true);
    const row = layout.rows[3];
    const x = layout.x(2) + (layout.pitch - layout.gap) * (5.5 / 8);
    expect(mapPlaceAt(data, layout, x, (row?.y ?? 0) + 2)).toEqual({
      layer: 2,
      stage: data.rows[3]?.stage,
      position: 5,
    });
    expect(mapPlaceAt(data, layout, layout.size.gutter + 4, layout.top + 40)).toMatchObject({ stage: 'embedding' });
    expect(mapPlaceAt(data, layout, layout.rightEdge + 30, layout.top + 40)).toMatchObject({ stage: 'lm_head' });
    expect(mapPlaceAt(data, layout, 5, layout.top + 40)).toBeUndefined();
  });

  it.each([
    ['48 layers, 12 tokens', 48, 12],
    ['94 layers, 300 tokens', 94, 300],
    ['6 layers, 40 tokens', 6, 40],
  ])('keeps within its budget of marks: %s', (_, nLayer, nTokens) => {
    const report = changed(
      generateReport({ kind: 'not-finite', nLayer, nTokens, nExpert: 128, nExpertUsed: 8 }),
      (row) => ({
        ...row,
        ...(row.perPosition === undefined ? {} : { perPositionRatio: row.perPosition }),
      }),
    );
    expect(countMarks(drawn(report))).toBeLessThan(2500);
  });

  it('shows the rows that a trace has, and a window of its layers', () => {
    const report = generateReport({ kind: 'clean', nLayer: 94 });
    const only = { ...report, rows: report.rows.filter((row) => row.stage.startsWith('moe_')) };
    expect(dataOf(only).rows.map(({ group }) => group)).not.toContain('attention_norm');
    expect(dataOf(only).rows).toHaveLength(9);
    expect(dataOf(only).before).toEqual([]);
    expect(windowOf({ from: 90, to: 91 }, 94)).toEqual({ from: 88, to: 94 });
    const data = dataOf(report);
    const zoomed = mapLayout(data, 1036, MAP_SIZES.page, { from: 52, to: 76 });
    expect(zoomed.overview).toBeDefined();
    expect(zoomed.pitch).toBeGreaterThan(30);
  });

  describe('of a machine of many stages', () => {
    // As many rows as Qwen3-Next has, in the groups of the machine that was generated.
    const many = (report: Report) => {
      const data = dataOf(report);
      const known = new Set([...data.rows, ...data.before, ...data.after].map(({ stage }) => stage));
      const others = STAGES.filter(({ id }) => !known.has(id)).slice(0, 56 - data.rows.length);
      const more = others.map(({ id, title }) => ({ stage: id, title, headline: false, group: 'attention' as const }));
      return { ...data, rows: [...more, ...data.rows] };
    };
    const data = many(generateReport({ kind: 'qtype-blind' }));

    it.each(['page', 'medium'] as const)('ends as high as that of a few (%s)', (name) => {
      const few = mapLayout(dataOf(generateReport({ kind: 'qtype-blind' })), 1036, MAP_SIZES[name]);
      expect(few.size).toBe(MAP_SIZES[name]);
      const layout = mapLayout(data, 1036, MAP_SIZES[name]);
      expect(layout.rows).toHaveLength(56);
      expect(layout.strips).toHaveLength(3);
      expect(layout.height).toBeLessThanOrEqual(few.height + 4);
      expect(Math.min(...layout.rows.map(({ height }) => height))).toBeGreaterThanOrEqual(5.5);
      for (const [i, row] of layout.rows.entries()) {
        const place = { layer: 1, stage: data.rows[i]?.stage };
        expect(mapPlaceAt(data, layout, layout.x(1) + 3, row.y + row.height / 2)).toMatchObject(place);
      }
    });

    it('names what matters and, of the others, those that have the room', () => {
      const layout = mapLayout(data, 1036, MAP_SIZES.page);
      const text = svgText(svg('svg', {}, ...drawNames(data, layout, LIGHT_MAP)));
      const names = data.rows.map(({ title }) => title).filter((title) => text.includes(`>${title}<`));
      expect(names).toEqual(expect.arrayContaining(['MoeRouter', 'MoeFfnOut', 'MoeExpertOut']));
      expect(names.length).toBeGreaterThan(20);
      expect(names.length).toBeLessThan(40);
      const hidden = data.rows.findIndex(({ title }) => !names.includes(title));
      const pinned = { layer: 1, stage: data.rows[hidden]?.stage ?? 'attention', position: undefined };
      const inHand = svgText(svg('svg', {}, ...drawSelection(data, layout, LIGHT_MAP, pinned, undefined)));
      expect(inHand).toContain(`>${data.rows[hidden]?.title ?? ''}<`);
      // A row that is named is not named twice.
      const other = { ...pinned, stage: 'moe_router' as const };
      expect(svgText(svg('svg', {}, ...drawSelection(data, layout, LIGHT_MAP, other, undefined)))).not.toContain(
        '<text',
      );
    });

    it('fits on a card', () => {
      const card = { ...MAP_SIZES.card };
      expect(mapLayout(data, 1104, card).bottom).toBeLessThanOrEqual(
        mapLayout(dataOf(generateReport({ kind: 'qtype-blind' })), 1104, card).bottom + 12,
      );
    });
  });

  it('is dark on dark: no colour of the light theme is left', () => {
    const data = dataOf(generateReport({ kind: 'not-finite' }));
    const layout = mapLayout(data, 1036, MAP_SIZES.page);
    const text = svgText(
      svg('svg', {}, ...drawMap(data, layout, DARK_MAP), ...drawMapStrips(data, layout, DARK_MAP, 0)),
    );
    for (const colour of [LIGHT_MAP.ink, LIGHT_MAP.paper, LIGHT_MAP.bins[5], LIGHT_MAP.bins[9]]) {
      expect(text).not.toContain(colour);
    }
  });
});

describe('the finding', () => {
  const say = (report: Report): string => findingText(findingOf(viewOfReport(report), report).head);
  const facts = (report: Report): readonly string[] =>
    findingOf(viewOfReport(report), report).facts.map(({ title, words }) => `${title}: ${findingText(words)}`);

  it('says a match in one line, with how close it was', () => {
    const report = generateReport({ kind: 'clean' });
    const stages = new Set(report.rows.map((row) => row.stage)).size;
    expect(say(report)).toBe(`Match: all ${String(stages)} stages of 6 layers stay inside their bounds.`);
    expect(facts(report)[2]).toContain('Both sides choose the same experts');
  });

  it('says the cause that the diagnosis found, and what was put in on purpose never', () => {
    const report = generateReport({ kind: 'qtype-blind' });
    const { first } = report.verdict;
    if (first === undefined) throw new Error('no culprit');
    const cause = { code: 'read-as-type', parameters: { type: 'Q4_K' }, proven: true } as const;
    const known: Report = { ...report, verdict: { ...report.verdict, first: { ...first, cause } } };
    expect(say(known)).toBe('Diverged at layer 2: a Q6_K weight is read as Q4_K.');
    expect(say(report)).toBe('Diverged at layer 2: MoeExpertOut is wrong.');
    const row = { code: 'unexplained', parameters: {}, proven: false, rows: { wrong: 1, of: 256 } } as const;
    const flipped: Report = { ...report, verdict: { ...report.verdict, first: { ...first, cause: row } } };
    expect(say(flipped)).toBe('Diverged at layer 2: one row of one expert’s weights is wrong.');
    expect(facts(known)[0]).toContain('blk.2.ffn_down_exps.weight Q6_K, expert 11, token 0');
  });

  it('blames nobody where nothing could be judged alone', () => {
    const report = generateReport({ kind: 'qtype-blind' });
    const { first } = report.verdict;
    if (first === undefined) throw new Error('no culprit');
    const parted: Report = {
      ...report,
      verdict: { ...report.verdict, first: { ...first, mode: 'free', metric: 'cosine', value: 0.5, limit: 0.99 } },
    };
    expect(say(parted)).toBe('The two part at layer 2, at MoeExpertOut.');
  });

  it('compares nothing with one side', () => {
    const report = generateReport({ kind: 'clean' });
    const one: Report = {
      ...report,
      rows: [],
      routing: [],
      verdict: { status: 'incomplete', sentence: 'INCOMPLETE' },
      run: { ...without(report.run, 'candidate'), reference: { engine: 'exact' } },
    };
    expect(say(one)).toBe('Reference only: nothing to compare.');
    expect(facts(one).join(' ')).not.toMatch(/both|agree|same experts/i);
  });
});

describe('words of a state', () => {
  const texts = (report: Report, wish: Partial<Measure> = {}): string => {
    const data = dataOf(report, wish);
    const legend = svg('svg', {}, ...mapLegend(data, LIGHT_MAP).nodes);
    const finding = findingOf(viewOfReport(report), report);
    const words = [finding.head, ...finding.facts.map((fact) => fact.words)].map(findingText);
    return [svgText(drawn(report, wish)), svgText(legend), ...words, shortFinding(data)].join('\n');
  };
  const kinds = ['clean', 'qtype-blind', 'not-finite'] as const;

  it('say nothing of a divergence where there is none', () => {
    const text = texts(generateReport({ kind: 'clean' }));
    expect(text).not.toMatch(/first wrong|culprit|diverge|shadow|flip|part/i);
    expect(text).toContain('Match: nothing is wrong');
  });

  it('call a stage by one name: its title, never its id', () => {
    for (const kind of kinds) {
      for (const basis of ['isolated', 'free'] as const) {
        // Tensors have names of their own.
        const text = texts(generateReport({ kind }), { basis }).replace(/blk\.[\w.]+/g, '');
        for (const { id } of STAGES) if (id.includes('_')) expect(text, id).not.toContain(id);
      }
    }
  });

  it('name no culprit where only two traces are compared', () => {
    const report = generateReport({ kind: 'qtype-blind' });
    const rows = report.rows.filter(({ mode }) => mode === 'free');
    const first = report.verdict.first;
    if (first === undefined) throw new Error('nothing is wrong');
    const text = texts({ ...report, rows, verdict: { ...report.verdict, first: { ...first, mode: 'free' } } });
    expect(text).not.toMatch(/first wrong|culprit|is wrong/i);
    expect(text).toMatch(/They part at layer 2, MoeExpertOut/);
  });

  it('say of a run under way how far it is, and of one without a verdict that it has none', () => {
    const report = generateReport({ kind: 'clean' });
    const live: TraceView = { ...viewOfReport(report), verdict: undefined };
    const rows = new Log(report.rows.filter(({ layer }) => layer === undefined || layer < 2));
    const data = mapData({ ...live, rows }, measureOf({ ...live, rows }));
    expect(shortFinding(data)).toBe('Right so far, 2 of 6 layers');
    const stopped = { ...report, verdict: { ...report.verdict, status: 'incomplete' as const } };
    expect(shortFinding(dataOf(stopped))).toBe('Incomplete: no verdict');
  });
});

describe('numbers for people', () => {
  it('have a raised exponent where they are large or small, and none is invented', () => {
    expect(humanNumber(22800)).toEqual({ text: '22,800' });
    expect(humanNumber(6.3e-4)).toEqual({ text: '6.3·10', exponent: '−4' });
    expect([undefined, NaN, -Infinity, 0].map(plainNumber)).toEqual(['–', 'NaN', '−∞', '0']);
    expect(plainNumber(6.3e-4)).toBe('6.3e-4');
  });
});
