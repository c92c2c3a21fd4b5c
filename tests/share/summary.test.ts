import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reportFromJson } from '../../src/divergence/report-json';
import type { Report } from '../../src/divergence/report';
import { mapData } from '../../src/plots/map/map-data';
import { isHot, measureOf } from '../../src/plots/map/measure';
import { findingOf, findingText } from '../../src/plots/finding';
import { viewOfReport } from '../../src/plots/trace-view';
import { withoutPrompt } from '../../src/share/redact';
import { packSummary, readSummary, SUMMARY_NOTE } from '../../src/share/summary';
import { generateReport, type ReportKind } from '../support/reports';

const dataOf = (report: Report) => {
  const view = viewOfReport(report);
  return mapData(view, measureOf(view));
};

const LARGE = { nLayer: 48, nExpert: 128, nExpertUsed: 8 } as const;

it.each<readonly [ReportKind, number]>([
  ['clean', 6],
  ['qtype-blind', 6],
  ['not-finite', 6],
  ['clean', 48],
  ['qtype-blind', 48],
])('a link shows the same verdict and the same map: %s, %i layers', async (kind, nLayer) => {
  const report = await withoutPrompt(generateReport({ kind, ...(nLayer === 48 ? LARGE : {}) }));
  const text = packSummary(report) ?? '';
  expect(text.length).toBeLessThan(nLayer === 48 ? 5000 : 2100);
  const read = readSummary(text);
  if (read === undefined) throw new Error('not read');
  expect(read.verdict).toEqual(report.verdict);
  expect(read.notes).toEqual([SUMMARY_NOTE]);
  const head = (of: Report): string => findingText(findingOf(viewOfReport(of), of).head);
  expect(head(read)).toBe(head(report));
  const [a, b] = [dataOf(report), dataOf(read)];
  expect(b.rows.map((row) => row.stage)).toEqual(a.rows.map((row) => row.stage));
  let moved = 0;
  for (const { stage } of a.rows) {
    for (const layer of a.layers) {
      expect(isHot(b.bin(stage, layer)), `${stage} ${layer}`).toBe(isHot(a.bin(stage, layer)));
      if (b.bin(stage, layer) !== a.bin(stage, layer)) moved++;
      if (a.shade(stage, layer) === 'full') expect(b.shade(stage, layer)).toBe('full');
    }
  }
  // A step of 15 % takes few values over the edge of a bin.
  expect(moved / (a.rows.length * a.layers.length)).toBeLessThan(0.12);
});

it('keeps what is not finite by its inputs apart from what makes it', async () => {
  const story = reportFromJson(readFileSync('public/sample/recorded-qtype.json', 'utf8'));
  const read = readSummary(packSummary(await withoutPrompt(story)) ?? '');
  if (read === undefined) throw new Error('not read');
  const [a, b] = [dataOf(story), dataOf(read)];
  expect(b.bin('moe_expert_out', 2)).toBe('nonfinite');
  expect(b.bin('attn_norm', 3)).toBe(a.bin('attn_norm', 3));
  expect(b.shade('moe_ffn_out', 2)).toBe('full');
  expect(isHot(b.bin('moe_ffn_out', 2))).toBe(false);
});

it('never makes an honest value a defect: what lies just below the bound stays there', async () => {
  const report = await withoutPrompt(generateReport({ kind: 'clean' }));
  const tight = { ...report, rows: report.rows.map((r) => (r.maxRatio === undefined ? r : { ...r, maxRatio: 0.99 })) };
  const read = readSummary(packSummary(tight) ?? '');
  expect(read?.rows.filter((row) => (row.maxRatio ?? 0) > 1)).toEqual([]);
  const over = { ...report, rows: report.rows.map((r) => (r.maxRatio === undefined ? r : { ...r, maxRatio: 1.01 })) };
  const seen = readSummary(packSummary(over) ?? '');
  expect(
    seen?.rows.filter((row) => row.mode === 'isolated' && row.maxRatio !== undefined && row.maxRatio <= 1),
  ).toEqual([]);
});

it('holds no word, id or text of the prompt', async () => {
  const report = generateReport({ kind: 'qtype-blind' });
  const read = readSummary(packSummary(await withoutPrompt(report)) ?? '');
  const text = JSON.stringify(read);
  expect(text).not.toContain('brave');
  expect(read?.run.tokens).toEqual([]);
});

it.each(['', 'AAAA', 'eJwDAAAAAAE', '____', 'x'.repeat(3000)])('a broken one is none: %j', (text) => {
  expect(readSummary(text)).toBeUndefined();
});
