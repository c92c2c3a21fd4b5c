import { expect, test } from 'vitest';
import { reportMarkdown } from '../../src/regression/report-markdown';
import { HOSTILE_NAMES } from '../support/hostile-models';
import { generateReport } from '../support/reports';

test('the sentence, what ran, what is wrong first, and a chart', () => {
  const report = generateReport({ kind: 'qtype-blind' });
  const text = reportMarkdown(report);
  expect(text).toMatch(/^\*\*DIVERGED: first at layer 2, moe_expert_out/);
  const [first] = text.split('\n').filter((line) => /^\| \d+ \| moe_/.test(line));
  expect(first).toMatch(/^\| 2 \| moe_expert_out \| \w+ \| diverge/);
  expect(text).toContain('```mermaid\nxychart-beta');
  expect(text).toMatch(/and \d+ other rows/);
});

test('a healthy run has its worst rows', () => {
  expect(reportMarkdown(generateReport({ kind: 'clean', nLayer: 2, nTokens: 2 }))).toMatch(/^\*\*MATCH: /);
});

test.each(Object.entries(HOSTILE_NAMES))('a name is no markup (%s)', (_, name) => {
  const report = generateReport({ kind: 'clean', nLayer: 1, nTokens: 2 });
  const text = reportMarkdown({ ...report, model: { ...report.model, name, file: name }, notes: [name] });
  expect(text).not.toMatch(/<img|<script|\]\(|@octocat|\x1b/);
  expect(text).not.toMatch(/^\s*::|##\[/m);
  expect(text.length).toBeLessThan(20_000);
});
