import { describe, expect, it } from 'vitest';
import { errorColour, LIGHT_THEME, type Rgb } from '../../src/plots/colour';
import { HEAT_MEASURES, heatMeasure } from '../../src/plots/heat-measures';
import {
  heatLayout,
  heatLegend,
  heatOverlay,
  heatPlaceAt,
  paintHeatmap,
  type HeatLayout,
} from '../../src/plots/heatmap';
import { layerTokenLayout, layerTokenOverlay, layerTokenPlaceAt, paintLayerToken } from '../../src/plots/layer-token';
import type { Raster } from '../../src/plots/raster';
import { cellKey, layerOfCell, selectHeatmap } from '../../src/plots/select-heatmap';
import { countMarks, svgText } from '../../src/plots/svg';
import { viewOfReport } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';

const blind = viewOfReport(generateReport({ kind: 'qtype-blind' }));
const poison = viewOfReport(generateReport({ kind: 'poison' }));
const large = viewOfReport(generateReport({ kind: 'poison', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 }));

describe('what a cell says', () => {
  it('error over bound is of stages run alone, whatever way is chosen, and is not known token by token', () => {
    const data = selectHeatmap(blind, 'free', 'ratio');
    expect(data.mode).toBe('isolated');
    expect(heatLayout(data, 1100).columns).toBe(1);
    const worst = data.cells.get(cellKey('moe_expert_out', 2));
    expect(worst?.worst).toBe(worst?.row.maxRatio);
    expect(worst?.worst).toBeGreaterThan(1);
  });

  it('1 − cosine is about half the square of relative L2, and never below 0', () => {
    const [cosine, relative] = [selectHeatmap(blind, 'free', 'cosine'), selectHeatmap(blind, 'free', 'relL2')];
    for (const [key, { worst, row }] of cosine.cells) {
      if (worst === undefined || row.relL2 === undefined || row.relL2 > 0.1) continue;
      expect(worst).toBeGreaterThanOrEqual(0);
      expect(worst).toBeLessThanOrEqual(row.relL2 ** 2 + 1e-15);
      expect(relative.cells.has(key)).toBe(true);
    }
  });

  it('is not finite, whatever the measure, where a value is not', () => {
    for (const { id } of HEAT_MEASURES) {
      const data = selectHeatmap(poison, 'isolated', id);
      expect([...data.cells.values()].some(({ worst }) => Number.isNaN(worst))).toBe(true);
    }
  });
});

describe('heatmap', () => {
  it('draws its labels and boxes as reviewed', async () => {
    const data = selectHeatmap(blind, 'free');
    const layout = heatLayout(data, 1100);
    const selected = { stage: 'moe_router', layer: 4, position: 7 } as const;
    await expect(svgText(heatOverlay(data, layout, selected))).toMatchFileSnapshot('goldens/heat-overlay.svg');
    await expect(svgText(heatLegend(LIGHT_THEME, heatMeasure('relL2'), 1100))).toMatchFileSnapshot(
      'goldens/heat-legend.svg',
    );
  });

  it('shows tokens where there is room and the worst token where there is not', () => {
    expect(heatLayout(selectHeatmap(blind, 'free'), 1100).columns).toBe(20);
    expect(heatLayout(selectHeatmap(blind, 'free'), 330).columns).toBe(1);
    expect(heatLayout(selectHeatmap(large, 'free'), 1100).columns).toBe(1);
  });

  it('paints every cell of every stage in the colour of its value', () => {
    const data = selectHeatmap(blind, 'isolated');
    const layout = heatLayout(data, 1100);
    const raster = paintHeatmap(data, layout, LIGHT_THEME, 1);
    for (const [r, row] of data.stages.entries()) {
      for (const [l, layer] of data.layers.entries()) {
        const cell = data.cells.get(cellKey(row.stage, layer));
        for (const c of [0, 9, 19]) {
          const value = cell?.perPosition?.[c] ?? cell?.worst;
          const expected =
            value === undefined ? LIGHT_THEME.blank : value === 0 ? LIGHT_THEME.exact : errorColour(value);
          expect(pixel(raster, ...centre(layout, r, l, c))).toEqual(expected);
        }
      }
    }
  });

  it('hatches cells that are not finite, with both colours in them', () => {
    const data = selectHeatmap(poison, 'free');
    const layout = heatLayout(data, 1100);
    const raster = paintHeatmap(data, layout, LIGHT_THEME, 2);
    const r = data.stages.findIndex((s) => s.stage === 'moe_ffn_out');
    const [x, y] = centre(layout, r, 5, 12);
    const seen = new Set<string>();
    for (let dx = -6; dx <= 6; dx++) seen.add(pixel(raster, 2 * x + dx, 2 * y).join());
    expect(seen).toContain(LIGHT_THEME.hatch.join());
    expect(seen).toContain(LIGHT_THEME.paper.join());
  });

  it('lets a NaN outrank every number in a cell that shows the worst token', () => {
    const cell = selectHeatmap(large, 'free').cells.get(cellKey('moe_ffn_out', 40));
    expect(cell?.worst).toBeNaN();
    expect(cell?.perPosition?.some((v) => Number.isFinite(v))).toBe(true);
  });

  it('never normalises to the data: the same error has the same colour in a good and a bad run', () => {
    expect(errorColour(1e-6)).toEqual(errorColour(1e-6));
    expect(errorColour(1e-30)).toEqual(errorColour(1e-9));
    expect(errorColour(1e30)).toEqual(errorColour(1));
    expect(errorColour(1e-6)).not.toEqual(errorColour(1e-3));
  });

  it('finds the cell under every pixel that it painted', () => {
    for (const width of [360, 1100]) {
      const data = selectHeatmap(blind, 'free');
      const layout = heatLayout(data, width);
      data.stages.forEach((row, r) => {
        data.layers.forEach((layer, l) => {
          const position = layout.columns === 1 ? undefined : data.positions[3];
          const [x, y] = centre(layout, r, l, layout.columns === 1 ? 0 : 3);
          expect(heatPlaceAt(data, layout, x, y)).toEqual({ stage: row.stage, layer, position });
        });
      });
      expect(heatPlaceAt(data, layout, 3, 3)).toBeUndefined();
      expect(heatPlaceAt(data, layout, width + 40, layout.height + 40)).toBeUndefined();
    }
  });

  it('files whole-model stages in the column where they happen', () => {
    const data = selectHeatmap(blind, 'free');
    expect(data.cells.has(cellKey('embedding', 0))).toBe(true);
    expect(data.cells.has(cellKey('lm_head', 5))).toBe(true);
    expect(data.cells.has(cellKey('lm_head', 0))).toBe(false);
    expect(layerOfCell('lm_head', 5)).toBeUndefined();
    expect(layerOfCell('moe_router', 5)).toBe(5);
  });

  it('stays within the mark budget at 48 layers', () => {
    const data = selectHeatmap(large, 'free');
    expect(countMarks(heatOverlay(data, heatLayout(data, 1100), undefined))).toBeLessThan(200);
  });
});

describe('layer by token', () => {
  const data = selectHeatmap(large, 'free');
  const layout = layerTokenLayout(data, 1100);

  it('paints 48 x 300 cells where the pointer finds them', () => {
    const raster = paintLayerToken(data, 'moe_ffn_out', layout, LIGHT_THEME, 1);
    for (const l of [0, 10, 47]) {
      for (const p of [0, 50, 299]) {
        const x = layout.left + (p + 0.5) * layout.cellWidth;
        const y = layout.top + (l + 0.4) * layout.cellHeight;
        expect(layerTokenPlaceAt(data, 'moe_ffn_out', layout, x, y)).toEqual({
          stage: 'moe_ffn_out',
          layer: l,
          position: p,
        });
        const value = data.cells.get(cellKey('moe_ffn_out', l))?.perPosition?.[p] ?? 0;
        if (Number.isFinite(value)) expect(pixel(raster, x, y)).toEqual(errorColour(value));
      }
    }
  });

  it('labels sparsely', () => {
    expect(countMarks(layerTokenOverlay(data, 'moe_ffn_out', layout, undefined))).toBeLessThan(80);
  });
});

function centre(layout: HeatLayout, row: number, block: number, column: number): [number, number] {
  const cell = layout.blockWidth / layout.columns;
  const x = layout.left + block * (layout.blockWidth + layout.gap) + (column + 0.45) * cell;
  return [x, layout.top + (row + 0.45) * layout.rowHeight];
}

function pixel(raster: Raster, x: number, y: number): Rgb {
  const i = (Math.floor(y) * raster.width + Math.floor(x)) * 4;
  const [r = -1, g = -1, b = -1] = raster.data.subarray(i, i + 3);
  return [r, g, b];
}
