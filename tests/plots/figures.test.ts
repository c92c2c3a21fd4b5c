import { describe, expect, it } from 'vitest';
import { RATIO_BINS } from '../../src/divergence/ratio-bins';
import type { Row } from '../../src/divergence/report';
import { LIGHT_THEME } from '../../src/plots/colour';
import { mapLayout, mapOverlay, mapPlaceAt, paintMaps, shareColour } from '../../src/plots/load-map';
import { poisonRunUp, poisonSpread, poisonWords, runUpWords } from '../../src/plots/poison-plots';
import { ratioLayout, ratioLineAt, ratioStrip, ratioX } from '../../src/plots/ratio-strip';
import { loadMaps, selectLoad } from '../../src/plots/select-load';
import { selectPath } from '../../src/plots/select-path';
import { binName, selectRatios } from '../../src/plots/select-ratios';
import { expertSets, indexWords, sliceSummary, valueText } from '../../src/plots/select-slice';
import { errorHistogram, ratioHistogram, sliceProfile, valueHistogram } from '../../src/plots/slice-plots';
import { countMarks, svgText, type SvgNode } from '../../src/plots/svg';
import { pathLayout, pathStepAt, tokenPath } from '../../src/plots/token-path';
import { viewOfReport } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';
import { generateSlice } from '../support/slices';

const blind = viewOfReport(generateReport({ kind: 'qtype-blind' }));
const poison = viewOfReport(generateReport({ kind: 'poison' }));
const large = viewOfReport(
  generateReport({ kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 }),
);
const golden = (name: string, node: SvgNode): Promise<void> =>
  expect(svgText(node)).toMatchFileSnapshot(`goldens/${name}.svg`);

function withoutRatios(row: Row): Row {
  const { ratios, ...rest } = row;
  return ratios === undefined ? row : rest;
}

describe('ratios of every stage', () => {
  const lines = selectRatios(blind);

  it('are drawn as reviewed', async () => {
    await golden('ratio-strip', ratioStrip(lines, ratioLayout(lines, 960), 'moe_expert_out'));
    await golden('ratio-strip-360', ratioStrip(lines, ratioLayout(lines, 340), undefined));
  });

  it('sum over layers, and name the worst, the median and the estimate', () => {
    const out = lines.find((line) => line.stage === 'moe_expert_out');
    expect(out?.worst).toBe(1.4e6);
    expect(out?.largest).toHaveLength(6);
    expect(out?.shares?.reduce((x, y) => x + y, 0)).toBeCloseTo(1, 9);
    expect(out?.estimate).toBeGreaterThan(1e7);
    expect(lines.find((line) => line.stage === 'ffn_norm')?.estimate).toBeUndefined();
    expect(lines.some((line) => line.stage === 'moe_router_indices')).toBe(false);
    expect([binName(0), binName(5), binName(9), binName(RATIO_BINS - 1)]).toEqual(['0', '≤ 1e-4', '≤ 1', '> 10']);
  });

  it('stand on a fixed axis: zero and what is above all apart, the bound where its bin ends', () => {
    const layout = ratioLayout(lines, 960);
    const xs = [0, 1e-12, 1e-5, 0.99, 1, 1.01, 10, 1e9].map((ratio) => ratioX(layout, ratio));
    expect([...xs].sort((a, b) => a - b)).toEqual(xs);
    expect(ratioX(layout, NaN)).toBe(ratioX(layout, 1e9));
    expect(ratioLineAt(lines, layout, layout.top + 2.5 * layout.rowHeight)).toBe(lines[2]);
    expect(ratioLineAt(lines, layout, 0)).toBeUndefined();
  });

  it('survive a trace without distributions: ticks alone', () => {
    const bare = { ...blind, rows: blind.rows.map((row) => withoutRatios(row)) };
    const line = selectRatios(bare)[3];
    expect(line).toMatchObject({ shares: undefined, median: undefined });
    expect(line?.largest.length).toBeGreaterThan(0);
  });
});

describe('slice of a tensor', () => {
  it('is drawn as reviewed', async () => {
    const slice = generateSlice();
    await golden('slice-profile', sliceProfile(slice, 680));
    await golden('slice-ratios', ratioHistogram(slice.ratios ?? [], 320));
    await golden('slice-errors', errorHistogram(generateSlice('free').errors, 320));
    await golden('slice-values', valueHistogram(slice, 320));
  });

  it('is put in words', () => {
    const slice = generateSlice();
    const worst = slice.worst[0];
    if (worst === undefined) throw new Error('no values');
    expect(indexWords(slice, worst)[0]).toBe('2 (expert 7)');
    expect(sliceSummary(slice)).toBe('4 × 64 values');
    expect([0, 1.5, -3.25e-7, 123456789, NaN].map(valueText)).toEqual([
      '0',
      '1.500000',
      '-3.25000e-7',
      '1.23457e+8',
      'NaN',
    ]);
    expect(expertSets({ a: [1, 2, 3], b: [3, 4, 1] })).toEqual({ both: [3, 1], onlyA: [2], onlyB: [4] });
  });
});

describe('poison', () => {
  it('is drawn as reviewed and put in words', async () => {
    const side = poison.poison?.a;
    if (side === undefined) throw new Error('no poison');
    await golden('poison-run-up', poisonRunUp(side, 520));
    await golden('poison-spread', poisonSpread(side, 520));
    expect(poisonWords(side)).toBe('NaN first in layer 3, MoeExpertGate at [5, 0, 0]');
    expect(runUpWords(side)).toMatch(/beyond f16\. Up to 4 % of a tensor is subnormal\.$|beyond f16\. Up to 4\.00 %/);
    expect(runUpWords({ ...side, runUp: side.runUp.slice(0, 3) })).toMatch(/did not grow into it\.$/);
  });
});

describe('layer by expert maps', () => {
  const layout = mapLayout(2, 6, 16, 960);
  const maps = [
    { title: 'reference', shares: blind.layers.map(() => Array.from({ length: 16 }, (_, e) => e / 16)) },
    {
      title: 'GPU',
      shares: blind.layers.map(() => Array.from({ length: 16 }, () => 0.25)),
      rings: [{ layer: 2, expert: 5 }],
    },
  ];

  it('are drawn as reviewed', async () => {
    await golden('load-map', mapOverlay(maps, blind.layers, layout, { layer: 3, expert: 4 }));
  });

  it('ink shares on a scale that the model fixes, and violet where the arms differ', () => {
    const dark = (share: number): number => shareColour(LIGHT_THEME, share, 1 / 16)[0];
    expect(dark(0)).toBe(LIGHT_THEME.blank[0]);
    expect(dark(1 / 16)).toBeLessThan(dark(1 / 64));
    expect(dark(0.25)).toBe(dark(1));
    expect(shareColour(LIGHT_THEME, 0, 1 / 16, true)).not.toEqual(LIGHT_THEME.blank);
    const raster = paintMaps(maps, layout, 0.25, LIGHT_THEME, 1);
    expect([raster.width, raster.height]).toEqual([960, Math.round(layout.height)]);
  });

  it('find the cell under the pointer in each map', () => {
    const [, second] = layout.origins;
    if (second === undefined) throw new Error('no second map');
    const at = mapPlaceAt(layout, second[0] + 5.5 * layout.cellWidth, second[1] + 2.5 * layout.cellHeight);
    expect(at).toEqual({ map: 1, layer: 2, expert: 5 });
    expect(mapPlaceAt(layout, 1, 1)).toBeUndefined();
  });

  it('go below each other where there is no room beside', () => {
    const narrow = mapLayout(2, 6, 16, 330);
    expect(narrow.origins[0]?.[0]).toBe(narrow.origins[1]?.[0]);
    expect(mapLayout(2, 48, 128, 1080).origins[0]?.[1]).toBe(mapLayout(2, 48, 128, 1080).origins[1]?.[1]);
  });
});

describe('loads of both arms', () => {
  it('are marked on the arm under test where they differ, on the page and in the picture', () => {
    const data = selectLoad(blind);
    const [reference, tested] = loadMaps(data);
    expect([reference?.title, tested?.title]).toEqual(['reference', 'GPU']);
    expect(reference?.differs).toBeUndefined();
    const marked = data.layers.filter((_, l) =>
      Array.from({ length: 16 }, (__, e) => tested?.differs?.(l, e)).includes(true),
    );
    expect(marked).toEqual([3, 4, 5]);
  });
});

describe("a token's way", () => {
  it('is drawn as reviewed, with the flips of both arms', async () => {
    const steps = selectPath(blind, 0);
    await golden('token-path', tokenPath(steps, pathLayout(steps, 16, 520), 3));
    expect(steps.map((step) => step.layer)).toEqual(blind.layers);
    expect(steps.flatMap((step) => step.marks).some((mark) => mark.choice === 'only-a')).toBe(true);
    expect(steps.find((step) => step.flip !== undefined)?.flip?.drift).toBeGreaterThan(0);
  });

  it('stays within the budget of marks at 48 layers and 128 experts', () => {
    const steps = selectPath(large, 200);
    const layout = pathLayout(steps, 128, 1080);
    expect(countMarks(tokenPath(steps, layout, 17))).toBeLessThan(1000);
    expect(layout.right).toBeLessThanOrEqual(1080);
    expect(pathStepAt(steps, layout, layout.top + 20.5 * layout.rowHeight)?.layer).toBe(20);
  });

  it('writes no margin over another where lines are closer than type', () => {
    const steps = selectPath(large, 1);
    const layout = pathLayout(steps, 128, 560);
    expect(layout.rowHeight).toBeLessThan(12);
    const text = svgText(tokenPath(steps, layout, undefined));
    const heights = [...text.matchAll(/<text x="([\d.]+)" y="([\d.]+)" class="(?:flip-text|tick)"/g)].flatMap(
      (found) => (Number(found[1]) === layout.width ? [Number(found[2])] : []),
    );
    const sorted = heights.sort((x, y) => x - y);
    expect(sorted.length).toBeGreaterThan(12);
    sorted.slice(1).forEach((y, i) => {
      expect(y - (sorted[i] ?? 0)).toBeGreaterThanOrEqual(12);
    });
  });
});
