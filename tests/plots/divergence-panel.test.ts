import { describe, expect, it } from 'vitest';
import { describePanel, divergencePanel, spread } from '../../src/plots/divergence-panel';
import { errorScale, placeOf, relL2OfCosine } from '../../src/plots/error-scale';
import { layerAxis, labelledIndices } from '../../src/plots/layer-axis';
import { selectPanel } from '../../src/plots/select-panel';
import { countMarks, svgText, type SvgNode } from '../../src/plots/svg';
import { viewOfReport } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';

const clean = viewOfReport(generateReport({ kind: 'clean' }));
const blind = viewOfReport(generateReport({ kind: 'qtype-blind' }));
const poison = viewOfReport(generateReport({ kind: 'poison' }));
const large = viewOfReport(
  generateReport({ kind: 'qtype-blind', nLayer: 48, nExpert: 128, nExpertUsed: 8, nTokens: 300 }),
);

describe('divergence panel', () => {
  it.each([
    ['clean-router', clean, 'moe_router', 'first'],
    ['clean-ffn-out', clean, 'moe_ffn_out', 'last'],
    ['blind-router', blind, 'moe_router', 'first'],
    ['blind-expert-out', blind, 'moe_expert_out', 'middle'],
    ['poison-ffn-out', poison, 'moe_ffn_out', 'last'],
  ] as const)('draws %s as reviewed', async (name, view, stage, position) => {
    const scene = divergencePanel(selectPanel(view, stage, 'relL2'), { width: 960, position });
    await expect(svgText(scene.root)).toMatchFileSnapshot(`goldens/${name}.svg`);
  });

  it('draws the ratio to the bound with its limit at 1', async () => {
    const data = selectPanel(blind, 'moe_expert_out', 'ratio');
    expect(data.limit).toEqual({ value: 1, text: 'bound 1' });
    expect(data.series.map((s) => s.mode)).toEqual(['isolated']);
    await expect(svgText(divergencePanel(data, { width: 360, position: 'only' }).root)).toMatchFileSnapshot(
      'goldens/blind-expert-out-ratio-360.svg',
    );
  });

  it('puts the rule at the same x in every panel', () => {
    const xs = (['moe_router', 'moe_expert_out', 'moe_ffn_out'] as const).map((stage, i) => {
      const scene = divergencePanel(selectPanel(blind, stage, 'relL2'), {
        width: 960,
        position: i === 0 ? 'first' : i === 1 ? 'middle' : 'last',
      });
      return find(scene.root, 'rule-line')?.attributes['x1'];
    });
    expect(new Set(xs).size).toBe(1);
    expect(xs[0]).toBeTypeOf('number');
  });

  it('draws no rule, no ring and no flips for a clean run', () => {
    const scene = divergencePanel(selectPanel(clean, 'moe_router', 'relL2'), { width: 960, position: 'first' });
    for (const name of ['rule-line', 'culprit-ring', 'flip-bar']) expect(find(scene.root, name)).toBeUndefined();
  });

  it('rings only the stage that is wrong by itself', () => {
    const ringed = (stage: 'moe_expert_out' | 'moe_ffn_out'): boolean =>
      find(
        divergencePanel(selectPanel(blind, stage, 'relL2'), { width: 960, position: 'last' }).root,
        'culprit-ring',
      ) !== undefined;
    expect(ringed('moe_expert_out')).toBe(true);
    expect(ringed('moe_ffn_out')).toBe(false);
  });

  it('stays far below 5,000 marks at 48 layers, and keeps its labels inside a phone', () => {
    for (const width of [360, 960, 1700]) {
      const scene = divergencePanel(selectPanel(large, 'moe_router', 'relL2'), { width, position: 'first' });
      expect(countMarks(scene.root)).toBeLessThan(400);
      const label = find(scene.root, 'rule-text');
      expect(Number(label?.attributes['x'])).toBeGreaterThanOrEqual(0);
      expect(Number(label?.attributes['x'])).toBeLessThanOrEqual(width);
    }
  });

  it('describes the curves in words', () => {
    expect(describePanel(selectPanel(poison, 'moe_ffn_out', 'relL2'))).toMatch(
      /^free-running \S+ to \S+, not finite in 3 layers; isolated \S+ to \S+$/,
    );
  });
});

describe('error scale', () => {
  it('keeps zero, numbers and what is not finite apart', () => {
    const scale = errorScale('relL2', 0, 200);
    expect([0, -0, 1e-300, 1, Infinity, NaN].map(placeOf)).toEqual([
      'zero',
      'zero',
      'value',
      'value',
      'nonfinite',
      'nonfinite',
    ]);
    expect(scale.y(NaN)).toBeLessThan(scale.range[0]);
    expect(scale.y(0)).toBeGreaterThan(scale.range[1]);
    expect(scale.y(1e-300)).toBe(scale.range[1]);
    expect(scale.y(1e300)).toBe(scale.range[0]);
  });

  it('does not move with the data', () => {
    expect(errorScale('relL2', 0, 200).metric.domain).toEqual([1e-9, 1e1]);
  });

  it('turns a cosine limit into the relative L2 that it takes to break it', () => {
    // The nearest b to a at a given angle is a's projection: |a-b| / |a| = sin(angle).
    const angle = Math.acos(0.99);
    expect(relL2OfCosine(0.99)).toBeCloseTo(Math.sin(angle), 12);
    expect(relL2OfCosine(1)).toBe(0);
  });
});

describe('layer axis', () => {
  it('finds the layer under a pixel, at the ends too', () => {
    const axis = layerAxis([3, 4, 5, 9], 100, 700);
    for (const layer of axis.layers) expect(axis.layerAt(axis.x(layer) + axis.step / 3)).toBe(layer);
    expect(axis.layerAt(-50)).toBe(3);
    expect(axis.layerAt(5000)).toBe(9);
  });

  it('places a single layer in the middle', () => {
    const axis = layerAxis([7], 100, 700);
    expect(axis.x(7)).toBe(400);
    expect(axis.layerAt(100)).toBe(7);
  });

  it('thins labels until they do not touch', () => {
    expect(labelledIndices(48, 14, 26).slice(0, 4)).toEqual([0, 2, 4, 6]);
    expect(labelledIndices(6, 120, 26)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('label spreading', () => {
  it('keeps neighbours apart, in order, centred where they were', () => {
    const spreaded = spread([{ y: 10 }, { y: 12 }, { y: 11 }, { y: 100 }], 15).map((l) => l.y);
    expect(spreaded).toEqual([-4, 11, 26, 100]);
  });
});

function find(node: SvgNode, name: string): SvgNode | undefined {
  if (node.attributes['class'] === name) return node;
  for (const child of node.children) {
    const found = typeof child === 'string' ? undefined : find(child, name);
    if (found !== undefined) return found;
  }
  return undefined;
}
