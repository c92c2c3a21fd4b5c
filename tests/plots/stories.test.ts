import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reportFromJson } from '../../src/divergence/report-json';
import { findingOf, findingText } from '../../src/plots/finding';
import { drawMap, drawMapStrips } from '../../src/plots/map/draw-map';
import { mapLayout, MAP_SIZES } from '../../src/plots/map/layout';
import { mapData } from '../../src/plots/map/map-data';
import { measureOf } from '../../src/plots/map/measure';
import { LIGHT_MAP } from '../../src/plots/map/theme';
import { svg, svgText } from '../../src/plots/svg';
import { viewOfReport } from '../../src/plots/trace-view';
import { STORIES, STORY_PROMPT } from '../../src/store/stories';

/** The traces that the page begins with: real runs of the sample model, not generated ones. */
const reports = new Map(
  STORIES.map(({ id }) => [id, reportFromJson(readFileSync(`public/sample/recorded-${id}.json`, 'utf8'))] as const),
);

const HEADS = {
  healthy: /^Match: all \d+ stages of 6 layers stay inside their bounds\.$/,
  qtype: /^(?:NaN|Diverged) at layer 2: a Q6_K weight is read as Q4_K/,
  bitflip: /^Diverged at layer 2: one row of one expert’s weights is wrong\.$/,
} as const;

it.each(STORIES)('$id says what its title says', ({ id, inject }) => {
  const report = reports.get(id);
  if (report === undefined) throw new Error('not recorded');
  expect(report.run.prompt).toBe(STORY_PROMPT);
  expect(report.run.inject ?? []).toEqual(inject);
  expect(findingText(findingOf(viewOfReport(report), report).head)).toMatch(HEADS[id]);
  const facts = findingOf(viewOfReport(report), report).facts.map(({ words }) => findingText(words));
  if (id === 'bitflip') expect(facts.join(' ')).toContain('An end-to-end test would miss it.');
  if (id === 'qtype') expect(facts.join(' ')).toMatch(/NaN in \d+/);
});

it.each(STORIES.map(({ id }) => id))('the face of %s is drawn as reviewed', async (id) => {
  const report = reports.get(id);
  if (report === undefined) throw new Error('not recorded');
  const view = viewOfReport(report);
  const data = mapData(view, measureOf(view));
  const layout = mapLayout(data, 1036, MAP_SIZES.first);
  expect(layout.height).toBeLessThan(545);
  expect(layout.tokens).toBe(true);
  const nodes = [...drawMap(data, layout, LIGHT_MAP), ...drawMapStrips(data, layout, LIGHT_MAP, data.first?.layer)];
  const box = { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 1036 ${layout.height}` };
  await expect(svgText(svg('svg', box, ...nodes))).toMatchFileSnapshot(`goldens/${id}.svg`);
});
