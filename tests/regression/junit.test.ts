import { describe, expect, it } from 'vitest';
import { makeBaseline } from '../../src/regression/baseline';
import { compareBaseline } from '../../src/regression/compare-baseline';
import { reportsToJunit } from '../../src/regression/junit';
import { generateReport } from '../support/reports';

const count = (xml: string, pattern: RegExp): number => [...xml.matchAll(pattern)].length;

describe('JUnit XML', () => {
  it('has a case for every comparison and for the verdict, and counts them right', () => {
    const report = generateReport({ kind: 'qtype-blind', nLayer: 3 });
    const xml = reportsToJunit([report]);
    const cases = count(xml, /<testcase /g);
    expect(cases).toBe(report.rows.length + 1);
    const failures = count(xml, /<failure /g);
    const bad = report.rows.filter((row) => !['match', 'after-flip'].includes(row.verdict)).length;
    expect(failures).toBe(bad + 1);
    expect(xml).toContain(`<testsuites name="moescope" tests="${cases}" failures="${failures}" skipped="0">`);
    expect(xml).toContain('<failure message="DIVERGED: first at ');
    expect(xml).toMatch(/name="moe_expert_out isolated"[^>]*><failure message="diverge, error 1\.4e6 x its bound/);
    expect(xml).toContain('SwiftShader (software)');
  });

  it('shows the baseline as a case', () => {
    const report = generateReport({ kind: 'clean', nLayer: 2 });
    const moved = { ...report, rows: report.rows.map((row, i) => (i === 5 ? { ...row, nanA: 1 } : row)) };
    const xml = reportsToJunit([{ ...moved, baseline: compareBaseline(moved, makeBaseline(report)) }]);
    expect(xml).toMatch(/name="baseline" time="0"><failure message="BASELINE MOVED: 1 of /);
  });

  it('stays XML whatever names hold', () => {
    const report = generateReport({ kind: 'clean', nLayer: 1 });
    const xml = reportsToJunit([{ ...report, model: { ...report.model, name: '<a & "b">\u0000\n\u{1F600}\ud800' } }]);
    expect(xml).toContain('&lt;a &amp; &quot;b&quot;&gt;\\x00\\n\u{1F600}\\ud800');
    expect(xml).not.toMatch(/[\u0000-\u0008]/);
  });

  it('skips what does not apply and fails a comparison that is incomplete', () => {
    const report = generateReport({ kind: 'clean', nLayer: 1 });
    const [first] = report.rows;
    if (first === undefined) throw new Error('no rows');
    const rows = [
      { ...first, verdict: 'not-applicable' as const, count: 0 },
      { ...first, verdict: 'missing' as const, count: 0 },
    ];
    const xml = reportsToJunit([{ ...report, rows, verdict: { status: 'incomplete', sentence: 'INCOMPLETE: x' } }]);
    expect(xml).toContain('tests="3" failures="2" skipped="1"');
  });
});
