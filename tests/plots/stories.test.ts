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
import { indexText } from '../../src/plots/place-state';
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
  llama: /^Diverged at layer 3: an expert runs with expert 3’s weights\.$/,
} as const;

it.each(STORIES)('$id says what its title says', ({ id, inject }) => {
  const report = reports.get(id);
  if (report === undefined) throw new Error('not recorded');
  expect(report.run.prompt).toBe(STORY_PROMPT);
  expect(report.run.inject ?? []).toEqual(inject);
  expect(findingText(findingOf(viewOfReport(report), report).head)).toMatch(HEADS[id]);
  const facts = findingOf(viewOfReport(report), report).facts.map(({ words }) => findingText(words));
  if (id === 'bitflip') expect(facts.join(' ')).toContain('An end-to-end test would miss it.');
  if (id === 'llama') {
    expect(report.live).toMatchObject({
      engine: 'llama.cpp:cpu',
      logitRowsChanged: 0,
      file: expect.stringMatching(/exchanged/),
    });
    expect(report.verdict.first).toMatchObject({ tensor: 'blk.3.ffn_down_exps.weight', expert: 6, mode: 'local' });
    expect(report.verdict.sentence).toContain("the values are those of expert 3's weights");
    expect(facts.join(' ')).toContain('what q8-activations allows');
    // The candidate's slots are in its own order: what is said of the worst value names the expert that the verdict names.
    const row = report.rows.find((r) => r.mode === 'local' && r.layer === 3 && r.stage === 'moe_expert_out');
    expect(
      indexText(viewOfReport(report), { layer: 3, stage: 'moe_expert_out' }, row?.maxRatioIndex ?? [], 'local'),
    ).toMatch(/^token 6, expert 6, /);
  }
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
