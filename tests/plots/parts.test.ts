import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random';
import { loadSummary, selectLoad } from '../../src/plots/select-load';
import { comparePartsOf, likelyWay, selectParts } from '../../src/plots/select-parts';
import { viewOfReport, type TraceView } from '../../src/plots/trace-view';
import { generateReport } from '../support/reports';

const view = viewOfReport(generateReport({ kind: 'clean', nTokens: 30 }));
const saying = (text: string): TraceView => {
  const tokens = text.match(/\n|[^\s]+|[ ]/g) ?? [];
  return { ...view, tokenTexts: tokens, positions: tokens.map((_, i) => i) };
};

describe('parts of a prompt', () => {
  it('are lines where there are lines, else sentences, else thirds', () => {
    const lines = saying('In the beginning\nlet x = 1\n2 + 2 = 4');
    expect(likelyWay(lines)).toBe('lines');
    expect(selectParts(lines, 'lines').map((part) => part.title)).toEqual([
      'In the beginning',
      'let x = 1',
      '2 + 2 = 4',
    ]);
    expect(likelyWay(saying('One two three. Four five six seven'))).toBe('sentences');
    const flat = saying('one two three four five six seven');
    expect(likelyWay(flat)).toBe('thirds');
    expect(selectParts(flat, 'thirds')).toHaveLength(3);
  });

  it('cover every captured token once, few tokens joining their neighbours, six at most', () => {
    for (const text of [
      'a\nb\nc\nlong line of many words here\nd',
      Array.from({ length: 20 }, () => 'four words in line').join('\n'),
    ]) {
      const parts = selectParts(saying(text), 'lines');
      expect(parts.flatMap((part) => part.positions)).toEqual(saying(text).positions);
      expect(parts.length).toBeLessThanOrEqual(6);
      expect(parts.every((part) => part.positions.length >= 3)).toBe(true);
    }
  });

  it('differ by more than their own halves where they prefer experts of their own', () => {
    // Each third chooses four of eight experts of its own.
    const random = seededRandom(9);
    const routing = view.routing.map((row) => {
      const own = Array.from({ length: 8 }, (_, e) => (e + 4 * Math.floor(row.position / 10)) % 16);
      const experts = own.sort(() => random.uniform() - 0.5).slice(0, 4);
      return { ...row, a: { experts, weights: [0.4, 0.3, 0.2, 0.1] }, b: { experts, weights: [0.4, 0.3, 0.2, 0.1] } };
    });
    const comparison = comparePartsOf({ ...view, routing }, selectParts(view, 'thirds'));
    expect(comparison.parts).toHaveLength(3);
    expect(comparison.within ?? 0).toBeGreaterThan((comparison.between ?? 1) + 0.03);
    for (const telling of comparison.telling) {
      expect(telling).toHaveLength(4);
      for (const { share, elsewhere } of telling) expect(share).toBeGreaterThan(elsewhere);
    }
    const shares = comparison.shares[1]?.[2] ?? [];
    expect(shares.reduce((x, y) => x + y, 0)).toBeCloseTo(view.nExpertUsed, 9);
  });
});

describe('load', () => {
  it('counts every choice of both arms', () => {
    const blind = viewOfReport(generateReport({ kind: 'qtype-blind' }));
    const data = selectLoad(blind);
    expect(data.sides).toEqual(['b', 'a']);
    for (const load of data.loads) {
      expect(load?.b?.reduce((x, y) => x + y, 0)).toBe(20 * 4);
      expect(load?.a?.reduce((x, y) => x + y, 0)).toBe(20 * 4);
    }
    expect(data.loads[0]?.a).toEqual(data.loads[0]?.b);
    expect(data.loads[4]?.a).not.toEqual(data.loads[4]?.b);
    expect(selectLoad(blind).loads[3]).toBe(data.loads[3]);
    const { fullest } = loadSummary(data);
    expect(fullest).toBeGreaterThan(4 / 16);
    expect(fullest).toBeLessThanOrEqual(1);
  });
});
