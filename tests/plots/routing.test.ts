import { describe, expect, it } from 'vitest';
import { LIGHT_THEME } from '../../src/plots/colour';
import { paintRouting, routingLayout, routingOverlay, routingPlaceAt } from '../../src/plots/routing';
import { routingLayer, selectRouting } from '../../src/plots/select-routing';
import { countMarks, svgText } from '../../src/plots/svg';
import { viewOfReport, type TraceView } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';

const blind = viewOfReport(generateReport({ kind: 'qtype-blind', nTokens: 8 }));
const large = viewOfReport(
  generateReport({ kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 }),
);

describe('routing selection', () => {
  it('says who chose each expert', () => {
    const view: TraceView = {
      ...blind,
      routing: [
        {
          layer: 1,
          position: 3,
          a: { experts: [5, 2], weights: [0.7, 0.3] },
          b: { experts: [5, 9], weights: [0.6, 0.4] },
          margin: 0.01,
        },
      ],
      rows: [],
    };
    const data = selectRouting(view, 1);
    expect(data?.tokens[0]?.marks).toEqual([
      { expert: 2, choice: 'only-a', weight: 0.3 },
      { expert: 5, choice: 'both', weight: 0.6 },
      { expert: 9, choice: 'only-b', weight: 0.4 },
    ]);
    expect(data).toMatchObject({ flippedTokens: 1, flippedExperts: 2, closest: { position: 3, margin: 0.01 } });
    expect(selectRouting(view, 2)).toBeUndefined();
  });

  it('does not call a choice one-sided when only one arm ran', () => {
    const view: TraceView = {
      ...blind,
      routing: [{ layer: 0, position: 0, b: { experts: [1], weights: [1] } }],
      rows: [],
    };
    expect(selectRouting(view, 0)?.tokens[0]?.marks).toEqual([{ expert: 1, choice: 'both', weight: 1 }]);
  });

  it('begins at the first flip, otherwise at the verdict, otherwise at the closest choice', () => {
    expect(routingLayer(blind)).toBe(3);
    expect(routingLayer(viewOfReport(generateReport({ kind: 'poison' })))).toBe(3);
    const clean = viewOfReport(generateReport({ kind: 'clean' }));
    const closest = [...clean.routing].sort((x, y) => (x.margin ?? 1) - (y.margin ?? 1))[0];
    expect(routingLayer(clean)).toBe(closest?.layer);
  });
});

describe('routing figure', () => {
  it('draws the marks as reviewed', async () => {
    const data = selectRouting(blind, 3);
    if (data === undefined) throw new Error('no routing');
    await expect(svgText(routingOverlay(data, routingLayout(data, 480), 2))).toMatchFileSnapshot(
      'goldens/routing-8x16.svg',
    );
  });

  it('marks only flips at 128 experts and 300 tokens', () => {
    const data = selectRouting(large, 20);
    if (data === undefined) throw new Error('no routing');
    const layout = routingLayout(data, 1080);
    expect(layout.marks).toBe(false);
    const flipped = data.tokens.flatMap((t) => t.marks).filter((m) => m.choice !== 'both').length;
    const overlay = routingOverlay(data, layout, undefined);
    expect(flipped).toBeGreaterThan(200);
    expect(countMarks(overlay)).toBeGreaterThanOrEqual(flipped);
    expect(countMarks(overlay)).toBeLessThan(1000);
  });

  it('paints chosen experts darker than the others, by weight', () => {
    const data = selectRouting(blind, 0);
    if (data === undefined) throw new Error('no routing');
    const layout = routingLayout(data, 480);
    const raster = paintRouting(data, layout, LIGHT_THEME, 1);
    const shade = (t: number, expert: number): number => {
      const x = Math.floor(layout.left + (expert + 0.3) * layout.cellWidth);
      const y = Math.floor(layout.top + (t + 0.3) * layout.cellHeight);
      return raster.data[(y * raster.width + x) * 4] ?? -1;
    };
    for (const [t, token] of data.tokens.entries()) {
      const [light, dark] = [...token.marks].sort((x, y) => x.weight - y.weight).flatMap((m) => [shade(t, m.expert)]);
      const strongest = [...token.marks].sort((x, y) => y.weight - x.weight)[0];
      expect(shade(t, strongest?.expert ?? 0)).toBeLessThanOrEqual(Math.min(light ?? 0, dark ?? 0));
      const unchosen = Array.from({ length: 16 }, (_, e) => e).find((e) => !token.marks.some((m) => m.expert === e));
      expect(shade(t, unchosen ?? 0)).toBe(LIGHT_THEME.blank[0]);
    }
  });

  it('finds token and expert under the pointer', () => {
    const data = selectRouting(large, 20);
    if (data === undefined) throw new Error('no routing');
    const layout = routingLayout(data, 1080);
    const at = routingPlaceAt(
      data,
      layout,
      layout.left + 100.5 * layout.cellWidth,
      layout.top + 250.5 * layout.cellHeight,
    );
    expect(at?.token.position).toBe(250);
    expect(at?.expert).toBe(100);
    expect(routingPlaceAt(data, layout, 2, layout.top + 1)?.expert).toBeUndefined();
    expect(routingPlaceAt(data, layout, 2, -5)).toBeUndefined();
  });
});
