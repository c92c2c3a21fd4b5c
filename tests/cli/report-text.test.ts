import { describe, expect, test } from 'vitest';
import { plainText } from '../../src/base/foreign-text';
import { exitCodeOfError, exitCodeOfReport } from '../../src/cli/command-line/exit-codes';
import { reportText } from '../../src/cli/trace/report-text';
import type { Report } from '../../src/divergence/report';
import { adapterText } from '../../src/model/adapter-card';
import { generateReport } from '../support/reports';

const textOf = (report: Report): string => plainText(reportText(report));

describe('reportText', () => {
  test('begins with the verdict and names the culprit stage with its worst layer', () => {
    const report = generateReport({ kind: 'qtype-blind' });
    const text = textOf(report);
    expect(text.startsWith(`${report.verdict.sentence}\n`)).toBe(true);
    const line = text.split('\n').find((l) => l.startsWith('  moe_expert_out '));
    expect(line).toMatch(/ 2 .*isolated diverge/);
  });

  test('a clean report has a line for every stage and none that is not a match', () => {
    const report = generateReport({ kind: 'clean' });
    const table = textOf(report)
      .split('\n')
      .slice(
        textOf(report)
          .split('\n')
          .findIndex((l) => l.startsWith('  stage ')) + 1,
      );
    expect(table.filter((line) => line !== '')).toHaveLength(report.run.stages.length);
    for (const line of table) expect(line).not.toMatch(/diverge|nan|victim/);
  });

  test('a report with values that are not finite shows NaN as the worst value, not as a missing one', () => {
    expect(textOf(generateReport({ kind: 'not-finite' }))).toMatch(/moe_expert_gate .*NaN/);
  });

  test('chosen experts are told as sets, and logits that are not finite are no next tokens', () => {
    const clean = generateReport({ kind: 'clean' });
    expect(textOf(clean)).toMatch(/\n {2}moe_router_indices +same sets /);
    const top = [{ token: 0, text: '!', logit: NaN }];
    expect(textOf({ ...clean, top: { a: top, b: top } })).toContain('next     none: there are logits that are not');
    expect(textOf({ ...clean, run: { ...clean.run, prompt: 'a'.repeat(300) } })).toMatch(/prompt +"a{99}\.\.\.\n/);
    expect(textOf({ ...clean, run: { ...clean.run, arms: ['gpu'] } })).toContain('captured gpu,');
  });

  test("names the stages that a verdict from the run's own inputs says nothing of", () => {
    const clean = generateReport({ kind: 'clean' });
    expect(textOf(clean)).not.toContain('unjudged');
    const open = { a: 'gpu', b: 'cpu', mode: 'local', layer: 1, count: 0, verdict: 'unmeasured' } as const;
    const rows = [...clean.rows, { ...open, stage: 'attention' as const }, { ...open, stage: 'attn_scores' as const }];
    expect(textOf({ ...clean, rows })).toMatch(
      /\n {2}unjudged +attn_scores, attention: not captured, or not with what they read\n/,
    );
  });

  test('a stage of which the engines share no expert keeps its line', () => {
    const report = generateReport({ kind: 'clean' });
    const gate = { a: 'gpu', b: 'cpu', mode: 'free', layer: 0, stage: 'moe_expert_gate', count: 0 } as const;
    const text = textOf({ ...report, rows: [{ ...gate, verdict: 'after-flip' }] });
    expect(text).toMatch(/moe_expert_gate .*1 free after-flip/);
  });

  test('a software adapter is always called one', () => {
    const card = {
      vendor: 'google',
      architecture: 'swiftshader',
      device: '',
      description: '',
      features: [],
      limits: {},
    };
    expect(adapterText({ ...card, isSoftware: true })).toBe('google swiftshader (SOFTWARE adapter)');
    expect(adapterText({ ...card, isSoftware: false })).not.toContain('SOFTWARE');
  });
});

describe('exit status', () => {
  test.each([
    ['clean', 0],
    ['qtype-blind', 1],
    ['not-finite', 1],
  ] as const)('of a %s report is %i', (kind, status) => {
    expect(exitCodeOfReport(generateReport({ kind }))).toBe(status);
  });

  test('of an incomplete comparison is 1, of one engine alone 0', () => {
    const report = generateReport({ kind: 'clean' });
    const incomplete = { ...report, verdict: { ...report.verdict, status: 'incomplete' as const } };
    expect(exitCodeOfReport(incomplete)).toBe(1);
    expect(exitCodeOfReport({ ...incomplete, run: { ...report.run, arms: ['cpu'] } })).toBe(0);
  });

  test.each([
    ['gpu-adapter', 3],
    ['gpu-unavailable', 3],
    ['gguf-not-gguf', 2],
    ['usage', 2],
    ['gpu-lost', 2],
    ['internal', 2],
    ['run-cancelled', 130],
  ] as const)('of %s is %i', (code, status) => {
    expect(exitCodeOfError(code)).toBe(status);
  });
});
