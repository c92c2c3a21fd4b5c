import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reportFromJson } from '../../src/divergence/report-json';
import { LIGHT_THEME } from '../../src/plots/colour';
import { divergencePanel } from '../../src/plots/divergence-panel';
import { heatMeasure } from '../../src/plots/heat-measures';
import { heatLayout, heatLegend, heatOverlay } from '../../src/plots/heatmap';
import { layerTokenLayout, layerTokenOverlay } from '../../src/plots/layer-token';
import { mapLayout, mapOverlay, type LoadMap } from '../../src/plots/load-map';
import { panelStages } from '../../src/plots/panel-stages';
import { ratioLayout, ratioStrip } from '../../src/plots/ratio-strip';
import { routingLayout, routingOverlay } from '../../src/plots/routing';
import { selectHeatmap } from '../../src/plots/select-heatmap';
import { selectLoad } from '../../src/plots/select-load';
import { selectPanel } from '../../src/plots/select-panel';
import { comparePartsOf, likelyWay, selectParts } from '../../src/plots/select-parts';
import { selectPath } from '../../src/plots/select-path';
import { selectRatios } from '../../src/plots/select-ratios';
import { routingLayer, selectRouting } from '../../src/plots/select-routing';
import { selectFirst, selectClosest } from '../../src/plots/select-walk';
import { svgText, type SvgNode } from '../../src/plots/svg';
import { pathLayout, tokenPath } from '../../src/plots/token-path';
import { viewOfReport } from '../../src/plots/trace-view';
import { DEMO_PROMPT } from '../../src/store/demo-prompt';

/** Every plot of the trace that the page begins with: a real run of the sample model, not a generated one. */
const report = reportFromJson(readFileSync('public/sample/recorded-report.json', 'utf8'));
const view = viewOfReport(report);
const WIDTH = 960;

const golden = (name: string, node: SvgNode): Promise<void> =>
  expect(svgText(node)).toMatchFileSnapshot(`goldens/recorded/${name}.svg`);

test('it is verse, code and arithmetic, matches, and has ratios and fingerprints', () => {
  expect(report.run.prompt).toBe(DEMO_PROMPT);
  expect(report.verdict.status).toBe('match');
  expect(report.rows.filter((row) => row.mode === 'isolated' && row.ratios !== undefined).length).toBeGreaterThan(60);
  expect(report.rows.every((row) => row.count === 0 || row.bitsA !== undefined)).toBe(true);
});

test('divergence by layer', async () => {
  const stages = panelStages(view, []);
  for (const metric of ['relL2', 'ratio'] as const) {
    for (const [i, stage] of stages.entries()) {
      const position = i === 0 ? 'first' : 'last';
      const scene = divergencePanel(selectPanel(view, stage, metric), { width: WIDTH, position, selectedLayer: 2 });
      await golden(`divergence-${stage}-${metric}`, scene.root);
    }
  }
});

test('heatmaps', async () => {
  const data = selectHeatmap(view, 'free');
  const place = selectFirst(view) ?? selectClosest(view);
  const cell = { stage: place?.stage ?? 'moe_router', layer: place?.layer ?? 0, position: place?.position };
  await golden('heatmap', heatOverlay(data, heatLayout(data, WIDTH), cell));
  await golden('heatmap-legend', heatLegend(LIGHT_THEME, heatMeasure('relL2'), WIDTH));
  const layout = layerTokenLayout(data, WIDTH);
  await golden('layers-by-tokens', layerTokenOverlay(data, 'moe_ffn_out', layout, { ...cell, stage: 'moe_ffn_out' }));
});

test('bounds in use', async () => {
  const lines = selectRatios(view);
  await golden('ratios', ratioStrip(lines, ratioLayout(lines, WIDTH), 'moe_ffn_out'));
});

test('routing: load, parts, one layer’s choices, one token’s way', async () => {
  const load = selectLoad(view);
  const focus = { layer: 3, expert: 4 };
  const maps = load.sides.map((side): LoadMap => ({
    title: side,
    shares: load.loads.map((l) => l?.[side]?.map((n) => n / l.tokens)),
  }));
  await golden('load', mapOverlay(maps, view.layers, mapLayout(maps.length, 6, 16, WIDTH), focus));
  const { parts, shares, telling } = comparePartsOf(view, selectParts(view, likelyWay(view)));
  expect(parts).toHaveLength(3);
  const partMaps = parts.map((part, i): LoadMap => ({
    title: part.title,
    shares: shares[i] ?? [],
    rings: telling[i] ?? [],
  }));
  await golden('parts', mapOverlay(partMaps, view.layers, mapLayout(3, 6, 16, WIDTH), focus));
  const choices = selectRouting(view, routingLayer(view) ?? 0);
  if (choices === undefined) throw new Error('no choices');
  await golden('choices', routingOverlay(choices, routingLayout(choices, 480), 7));
  const steps = selectPath(view, 7);
  await golden('way', tokenPath(steps, pathLayout(steps, view.nExpert, 520), 2));
});
