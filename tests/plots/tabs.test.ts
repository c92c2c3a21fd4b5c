import { describe, expect, it } from 'vitest';
import { without } from '../../src/base/without';
import type { Row } from '../../src/divergence/report';
import { drawFormula, inputsOf } from '../../src/plots/formula';
import { mapLayout, MAP_SIZES } from '../../src/plots/map/layout';
import { mapData } from '../../src/plots/map/map-data';
import type { MapData } from '../../src/plots/map/map-types';
import { measureOf, type Measure } from '../../src/plots/map/measure';
import { LIGHT_MAP, rgbOf } from '../../src/plots/map/theme';
import { indexText, placeState } from '../../src/plots/place-state';
import { drawRuler } from '../../src/plots/ruler';
import { selectLoad } from '../../src/plots/select-load';
import { worstError } from '../../src/plots/select-slice';
import { routingLayer, selectRouting } from '../../src/plots/select-routing';
import { tableLine } from '../../src/plots/select-table';
import { neighbour, selectClosest, selectFirst, selectWrong, stepFrom } from '../../src/plots/select-walk';
import { countMarks, svgText } from '../../src/plots/svg';
import { columnsOf } from '../../src/plots/tabs/columns';
import { loadPlot, loadShares, paintLoad } from '../../src/plots/tabs/load-plot';
import { nonfinitePlot, nonfiniteWords } from '../../src/plots/tabs/nonfinite-plot';
import { flipBars, routedTokens, routingAt, routingPlot } from '../../src/plots/tabs/routing-plot';
import { firstTab, tabNews } from '../../src/plots/tabs/tabs';
import { paintTokenMap, tokenMap, tokenMapAt, tokenMapOverlay } from '../../src/plots/tabs/token-map';
import { drawThumb } from '../../src/plots/thumb';
import { Log } from '../../src/plots/row-log';
import { viewOfReport, type TraceView } from '../../src/plots/trace-view';
import { generateReport, type ReportOptions } from '../support/reports';

const dataOf = (options: ReportOptions, wish: Partial<Measure> = {}) => {
  const view = viewOfReport(generateReport(options));
  return mapData(view, measureOf(view, wish));
};
const selectTable = (data: MapData) =>
  [...data.before, ...data.rows, ...data.after].flatMap((row) => tableLine(data, row) ?? []);
const LARGE = { kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 } as const;
const columns = (data: ReturnType<typeof dataOf>) => columnsOf(mapLayout(data, 1036, MAP_SIZES.page));

describe('tabs', () => {
  it('count the tokens behind the prompt, and those that are wrong as an alarm', () => {
    const report = generateReport({ kind: 'clean' });
    const step = { position: 20, status: 'match', rows: 25 } as const;
    const view = viewOfReport(report);
    expect(tabNews(view, report.top, [step, step]).get('next')).toEqual({ count: 2, alarm: false });
    expect(tabNews(view, report.top, [step, { ...step, status: 'diverged' }]).get('next')).toEqual({
      count: 1,
      alarm: true,
    });
  });

  it('light up when they have something to say, and the gravest opens', () => {
    const report = generateReport({ kind: 'not-finite' });
    const news = tabNews(viewOfReport(report), report.top);
    expect([...news.keys()]).toEqual(['nonfinite', 'next']);
    expect(firstTab(news)).toBe('nonfinite');
    const blind = generateReport({ kind: 'qtype-blind' });
    const other = tabNews(viewOfReport(blind), blind.top);
    expect(other.get('routing')?.count).toBeGreaterThan(10);
    expect(firstTab(other)).toBe('routing');
    const clean = generateReport({ kind: 'clean' });
    expect([...tabNews(viewOfReport(clean), clean.top).keys()]).toEqual([]);
    const long = generateReport({ kind: 'clean', nTokens: 60 });
    expect(firstTab(tabNews(viewOfReport(long), long.top))).toBe('tokens');
  });
});

describe('the worst error of a row', () => {
  const row: Row = {
    a: 'gpu',
    b: 'cpu',
    mode: 'local',
    layer: 0,
    stage: 'q_post_rope',
    verdict: 'match',
    count: 8,
    maxRatio: 0.27,
    maxRatioValues: { a: -1.66329, b: -1.66329, bound: 8.9e-7 },
    maxAbs: 3e-7,
    maxAbsValues: { a: 2, b: 2 },
  };

  it('is that of its ratio and bound where recorded values are rounded to the same digits', () => {
    expect(worstError(row, true)).toBeCloseTo(2.403e-7, 12);
    expect(worstError(row, false)).toBe(3e-7);
  });

  it('is the difference where there is nothing better, and none without values', () => {
    expect(worstError({ ...row, maxRatioValues: { a: NaN, b: 1, bound: 1e-5 }, maxRatio: NaN }, true)).toBeNaN();
    expect(worstError({ ...without(row, 'maxAbs'), maxAbsValues: { a: 2, b: 1.5 } }, false)).toBe(0.5);
    expect(worstError(without(row, 'maxRatioValues'), true)).toBeUndefined();
  });
});

describe('tokens by layers', () => {
  it('paint what was not compared as ground and what is exact as exact', () => {
    const report = generateReport({ kind: 'clean', nTokens: 4 });
    const rows = report.rows.map((row) => {
      if (row.stage !== 'moe_expert_gate' || row.mode !== 'isolated') return row;
      return { ...row, perPositionRatio: [0, undefined, NaN, 4] };
    });
    const view = viewOfReport({ ...report, rows });
    const data = mapData(view, measureOf(view));
    const map = tokenMap(data, 'moe_expert_gate', columns(data));
    if (map === undefined) throw new Error('no map');
    const raster = paintTokenMap(data, map, LIGHT_MAP, 1);
    const at = (t: number): readonly number[] => {
      const x = Math.round(map.columns.x(2) + map.columns.pitch / 2);
      const from = ((t * 15 + 7) * raster.width + x) * 4;
      return [...raster.data.subarray(from, from + 3)];
    };
    expect(at(0)).toEqual(rgbOf(LIGHT_MAP.bins[0] ?? ''));
    expect(at(1)).toEqual(rgbOf(LIGHT_MAP.panel));
    expect([rgbOf(LIGHT_MAP.stripe[0]), rgbOf(LIGHT_MAP.stripe[1])]).toContainEqual(at(2));
    expect(at(3)).toEqual(rgbOf(LIGHT_MAP.bins[6] ?? ''));
    expect(tokenMapAt(data, map, map.columns.x(3) + 4, 2 * 15 + 3)).toEqual({ layer: 3, position: 2 });
    expect(tokenMapAt(data, map, 3, 3)).toBeUndefined();
  });

  it('fit 300 tokens, and 2,000 by their worst', () => {
    const data = dataOf(LARGE);
    const map = tokenMap(data, 'moe_ffn_out', columns(data));
    expect(map).toMatchObject({ row: 1, height: 300 });
    if (map === undefined) return;
    expect(countMarks(tokenMapOverlay(data, map, LIGHT_MAP, 150))).toBeLessThan(80);
    const long = dataOf({ kind: 'qtype-blind', nTokens: 2000 });
    const lines = tokenMap(long, 'moe_expert_out', columns(long));
    expect(lines?.height).toBe(320);
    if (lines === undefined) return;
    const raster = paintTokenMap(long, lines, LIGHT_MAP, 1);
    const x = Math.round(lines.columns.x(2) + lines.columns.pitch / 2);
    expect([...raster.data.subarray((5 * raster.width + x) * 4, (5 * raster.width + x) * 4 + 3)]).toEqual(
      rgbOf(LIGHT_MAP.bins[9] ?? ''),
    );
  });

  it.each([
    ['what a later token has of itself is not hidden by what an earlier one has of its inputs', [NaN, 50], 7],
    ['what a token has of its inputs is not hidden by what is quiet', [1e-2, NaN], 'inherited'],
    ['nor by what was not compared', [undefined, NaN], 'inherited'],
  ] as const)('of tokens in one line the worst shows: %s', (_, ratios, shown) => {
    const report = generateReport({ kind: 'clean', nTokens: 640 });
    const rows = report.rows.map((row) => {
      if (row.stage !== 'moe_expert_gate' || row.mode !== 'isolated') return row;
      const verdict = 'nan-both' as const;
      return { ...row, verdict, perPositionRatio: Array.from({ length: 640 }, (_unused, t) => ratios[t % 2]) };
    });
    const view = viewOfReport({ ...report, rows });
    const data = mapData(view, measureOf(view));
    const map = tokenMap(data, 'moe_expert_gate', columns(data));
    if (map === undefined) throw new Error('no map');
    expect(map.row).toBe(0.5);
    const raster = paintTokenMap(data, map, LIGHT_MAP, 1);
    const x = Math.round(map.columns.x(2) + map.columns.pitch / 2);
    const from = (5 * raster.width + x) * 4;
    const colour = shown === 'inherited' ? LIGHT_MAP.shadow.at(-1) : LIGHT_MAP.bins[shown];
    expect([...raster.data.subarray(from, from + 3)]).toEqual(rgbOf(colour ?? ''));
  });

  it('fall back to what the trace keeps, and say so by their measure', () => {
    const data = dataOf({ kind: 'clean' });
    const bare = new Log(data.view.rows.from(0).map((row) => without(row, 'perPositionRatio')));
    const view: TraceView = { ...data.view, rows: bare };
    const map = tokenMap(mapData(view, measureOf(view)), 'moe_router', columns(data));
    expect(map?.measure).toEqual({ basis: 'isolated', unit: 'l2' });
  });
});

describe('routing', () => {
  const view = viewOfReport(generateReport({ kind: 'qtype-blind', nTokens: 8 }));

  it('says who chose each expert, and blames nobody where one side ran alone', () => {
    const row = {
      layer: 1,
      position: 3,
      a: { experts: [5, 2], weights: [0.7, 0.3] },
      b: { experts: [5, 9], weights: [0.6, 0.4] },
      margin: 0.01,
    };
    const data = selectRouting({ ...view, routing: new Log([row]), rows: new Log() }, 1);
    expect(data?.tokens[0]?.marks.map(({ expert, choice }) => [expert, choice])).toEqual([
      [2, 'only-a'],
      [5, 'both'],
      [9, 'only-b'],
    ]);
    const alone: TraceView = {
      ...view,
      routing: new Log([{ layer: 0, position: 0, b: { experts: [1], weights: [1] } }]),
      rows: new Log(),
    };
    expect(selectRouting(alone, 0)?.tokens[0]?.marks[0]?.choice).toBe('both');
    expect(routingLayer(view)).toBe(3);
  });

  it('marks flips with rings and crosses, and finds token and expert under the pointer', () => {
    const data = mapData(view, measureOf(view));
    const routing = selectRouting(view, 3);
    if (routing === undefined) throw new Error('no routing');
    const tokens = routedTokens(routing);
    expect(tokens).toHaveLength(8);
    const plot = svgText(routingPlot(routing, tokens, columns(data), LIGHT_MAP, { position: 2, expert: 5 }));
    expect(plot).toContain(LIGHT_MAP.flip);
    const { gutter, right } = columns(data);
    const at = routingAt(routing, tokens, columns(data), gutter + ((right - gutter) / 16) * 5.5, 14 + 15 * 2 + 4);
    expect(at).toMatchObject({ expert: 5, token: { position: 2 } });
    expect(flipBars(data, columns(data), LIGHT_MAP, 3)).toBeDefined();
    // Without a map the columns reach the edge: the margins keep inside of it.
    const wide = { width: 900, gutter: 200, right: 900 };
    const alone = svgText(routingPlot(routing, tokens, wide, LIGHT_MAP, { position: 2, expert: 5 }));
    expect(Math.max(...[...alone.matchAll(/<text x="([\d.]+)"/g)].map(([, x]) => Number(x)))).toBe(856);
    expect(routingAt(routing, tokens, wide, 847, 14)).toMatchObject({ expert: 15 });
    expect(flipBars(dataOf({ kind: 'clean' }), columns(data), LIGHT_MAP, 3)).toBeUndefined();
  });

  it('shows the flipped tokens of a long prompt alone, within its budget of marks', () => {
    const data = dataOf(LARGE);
    const routing = selectRouting(data.view, 20);
    if (routing === undefined) throw new Error('no routing');
    const tokens = routedTokens(routing);
    expect(tokens.length).toBeLessThan(300);
    expect(tokens.every((token) => token.marks.some(({ choice }) => choice !== 'both'))).toBe(true);
    expect(
      countMarks(routingPlot(routing, tokens, columns(data), LIGHT_MAP, { position: 1, expert: undefined })),
    ).toBeLessThan(900);
  });
});

describe('expert load', () => {
  it('is sorted within a layer, and idle experts are not drawn', () => {
    const data = dataOf(LARGE);
    const plot = loadPlot(loadShares(selectLoad(data.view)), columns(data));
    if (plot === undefined) throw new Error('no load');
    const shares = plot.shares[7] ?? [];
    expect([...shares].sort((x, y) => y - x)).toEqual([...shares]);
    expect(shares.every((share) => share > 0)).toBe(true);
    expect(plot.most).toBeLessThanOrEqual(128);
    expect(paintLoad(plot, LIGHT_MAP, 1).height).toBe(plot.height);
    expect(loadPlot(loadShares(selectLoad({ ...data.view, routing: new Log() })), columns(data))).toBeUndefined();
  });
});

describe('what is not finite', () => {
  it('is told by where it begins and what led to it', () => {
    const { nonFinite } = viewOfReport(generateReport({ kind: 'not-finite' }));
    if (nonFinite?.a === undefined) throw new Error('no value is not finite');
    expect(nonfiniteWords(nonFinite.a)).toMatch(
      /^NaN appears first at layer 3, MoeExpertGate, and reaches \d+ stages\. The largest/,
    );
    expect(nonfiniteWords({ ...nonFinite.a, runUp: nonFinite.a.runUp.slice(0, 3) })).toContain('did not grow into it');
    expect(svgText(nonfinitePlot(nonFinite.a, 800, LIGHT_MAP))).toMatch(/and \d+ more/);
  });
});

describe('numbers', () => {
  it('have a line a stage and a cell a layer, in the page’s measure', () => {
    const lines = selectTable(dataOf({ kind: 'qtype-blind' }));
    const out = lines.find((l) => l.stage === 'moe_expert_out');
    expect(out?.cells[2]).toEqual({ layer: 2, text: '1.4e6', verdict: 'diverge', first: true });
    expect(lines.find((l) => l.stage === 'lm_head')?.cells).toHaveLength(1);
    const free = selectTable(dataOf({ kind: 'qtype-blind' }, { basis: 'free' }));
    expect(free.find((l) => l.stage === 'moe_router_indices')?.cells[3]?.text).toMatch(/^\d+ flips$/);
    const nan = selectTable(dataOf({ kind: 'not-finite' }, { basis: 'free' }));
    expect(nan.find((l) => l.stage === 'moe_ffn_out')?.cells[5]?.text).toBe('NaN');
  });

  it('tell experts that one side alone chose from what was not captured', () => {
    const gate = { a: 'gpu', b: 'cpu', mode: 'free', stage: 'moe_expert_gate', count: 0 } as const;
    const rows = new Log<Row>([
      { ...gate, layer: 0, verdict: 'after-flip' },
      { ...gate, layer: 1, verdict: 'victim', nanA: 4 },
      { ...gate, layer: 2, verdict: 'unmeasured' },
    ]);
    const view: TraceView = { ...viewOfReport(generateReport({ kind: 'clean' })), rows };
    const [line] = selectTable(mapData(view, { basis: 'free', unit: 'l2' }));
    expect(line?.cells.slice(0, 3).map((c) => c?.text)).toEqual(['no shared expert', 'NaN', '–']);
  });
});

describe('walking', () => {
  const blind = dataOf({ kind: 'qtype-blind' });

  it('goes over what is wrong by itself, from anywhere, and comes round', () => {
    expect(selectWrong(blind)).toEqual([{ layer: 2, stage: 'moe_expert_out', position: 0 }]);
    const from = { layer: 0, stage: 'attn_norm', position: undefined } as const;
    for (const step of [1, -1] as const) expect(neighbour(blind, from, step)).toMatchObject({ layer: 2 });
    expect(neighbour(blind, { layer: undefined, stage: 'lm_head', position: 0 }, 1)).toMatchObject({ layer: 2 });
    expect(neighbour(dataOf({ kind: 'clean' }), from, 1)).toBeUndefined();
  });

  it('steps over cells, and into the stages of the whole model at the sides', () => {
    const place = { layer: 5, stage: 'moe_router', position: 1 } as const;
    expect(stepFrom(blind, place, 0, -1)).toMatchObject({ layer: 5, stage: 'moe_router_indices' });
    expect(stepFrom(blind, place, 1, 0)).toMatchObject({ layer: undefined, stage: 'final_norm' });
    expect(stepFrom(blind, { ...place, layer: 0 }, -1, 0)).toMatchObject({ layer: undefined, stage: 'embedding' });
    expect(stepFrom(blind, { layer: undefined, stage: 'final_norm', position: 1 }, -1, 0)).toMatchObject({ layer: 5 });
    expect(stepFrom(blind, { layer: undefined, stage: 'lm_head', position: 1 }, 1, 0)).toBeUndefined();
  });

  it('begins at the first wrong row while there is no verdict yet, and at the closest call of a match', () => {
    expect(selectFirst({ ...blind.view, verdict: undefined })).toMatchObject({ layer: 2, stage: 'moe_expert_out' });
    const { view } = dataOf({ kind: 'clean' });
    expect(selectFirst(view)).toBeUndefined();
    expect(selectClosest(view)).toBeDefined();
  });
});

describe('the inspector', () => {
  const blind = dataOf({ kind: 'qtype-blind' });

  it('says of every cell what the map says', () => {
    const words = (layer: number | undefined, stage: Parameters<typeof placeState>[1]['stage']) =>
      placeState(blind, { layer, stage }).words;
    expect(words(2, 'moe_expert_out')).toBe('the first wrong tensor');
    expect(words(4, 'moe_router')).toBe('right by itself, its input is wrong');
    expect(words(1, 'moe_router')).toBe('inside its bound');
    expect(words(1, 'moe_router_indices')).toBe('the same experts');
    const free = dataOf({ kind: 'qtype-blind' }, { basis: 'free' });
    expect(placeState(free, { layer: 4, stage: 'moe_router_indices' }).words).toBe('other experts are chosen');
    expect(placeState(free, { layer: 4, stage: 'moe_ffn_out' }).words).toBe('over its limit');
  });

  it('names a value by token, expert and channel', () => {
    const expert = blind.view.routing.from(0).find((r) => r.layer === 2 && r.position === 3)?.b?.experts[1];
    expect(indexText(blind.view, { layer: 2, stage: 'moe_expert_out' }, [3, 1, 173], 'isolated')).toBe(
      `token 3, expert ${String(expert)}, channel 173`,
    );
  });

  it('draws every stage from its inputs, with the weight’s type, and no stage from nothing', () => {
    const view: TraceView = { ...blind.view, tensorTypes: { 'blk.2.ffn_down_exps.weight': 'Q6_K' } };
    const data = mapData(view, blind.measure);
    const place = { layer: 2, stage: 'moe_expert_out', expert: 11 } as const;
    const text = svgText(drawFormula(data, place, 311, LIGHT_MAP));
    for (const words of ['MoeExpertOut', 'MoeExpertSwigl', 'Q6_K', 'e 11', 'ffn_down_exps'])
      expect(text).toContain(words);
    expect(inputsOf(data, { layer: 0, stage: 'attn_norm' })).toEqual([{ layer: undefined, stage: 'embedding' }]);
    expect(inputsOf(data, { layer: 3, stage: 'attn_norm' })).toEqual([{ layer: 2, stage: 'post_ffn_residual' }]);
    expect(inputsOf(data, { layer: undefined, stage: 'final_norm' })).toEqual([
      { layer: 5, stage: 'post_ffn_residual' },
    ]);
    for (const { stage } of data.rows) {
      expect(inputsOf(data, { layer: 3, stage }).length, stage).toBeGreaterThan(0);
      expect(svgText(drawFormula(data, { layer: 3, stage, expert: 1 }, 311, LIGHT_MAP))).not.toMatch(/undefined|NaN /);
    }
  });

  it('has a ruler on which a value over the bound stands right of it, whatever its size', () => {
    const x = (text: string): number => Number(/<path d="M([\d.]+) 36l/.exec(text)?.[1]);
    const at = (ratio: number): number => x(svgText(drawRuler([0, 1, 2], ratio, 311, LIGHT_MAP)));
    expect(at(0.9)).toBeLessThan(at(1.1));
    expect(at(1.1)).toBeLessThan(at(1e4));
    expect(svgText(drawRuler(undefined, NaN, 311, LIGHT_MAP))).not.toContain('NaN');
  });

  it('has a thumbnail with the culprit in it', () => {
    expect(svgText(drawThumb(blind, LIGHT_MAP))).toContain(`stroke="${LIGHT_MAP.ink}"`);
    expect(svgText(drawThumb(dataOf({ kind: 'clean' }), LIGHT_MAP))).not.toContain(`stroke="${LIGHT_MAP.ink}"`);
  });
});
