import { describe, expect, it } from 'vitest';
import type { BaselineResult, Report, Row } from '../../src/divergence/report';
import { BASELINE_SCHEMA, makeBaseline } from '../../src/regression/baseline';
import { baselineFromJson, baselineToJson } from '../../src/regression/baseline-json';
import { compareBaseline } from '../../src/regression/compare-baseline';
import { generateReport } from '../support/reports';

/** A clean run whose rows have bits. */
function accepted(): Report {
  const report = generateReport({ kind: 'clean', nLayer: 3 });
  return { ...report, rows: report.rows.map((row, i) => ({ ...row, bitsA: i.toString(16).padStart(16, '0') })) };
}

function changed(report: Report, change: (row: Row) => Partial<Row> | undefined): Report {
  return { ...report, rows: report.rows.map((row) => ({ ...row, ...change(row) })) };
}

const at =
  (layer: number, stage: string, mode: string, change: Partial<Row>) =>
  (row: Row): Partial<Row> | undefined =>
    row.layer === layer && row.stage === stage && row.mode === mode ? change : undefined;

const onOther = (report: Report): Report => ({
  ...report,
  ...(report.adapter === undefined ? {} : { adapter: { ...report.adapter, description: 'another driver' } }),
});

const places = (result: BaselineResult): readonly string[] =>
  result.findings.map((f) => `${f.kind} ${String(f.layer)} ${f.stage} ${f.mode}`);

describe('a run against its own baseline', () => {
  it('is the same, bit for bit', () => {
    const report = accepted();
    const result = compareBaseline(report, makeBaseline(report));
    expect(result).toEqual({
      status: 'same',
      held: 'bits',
      rows: report.rows.length,
      findings: [],
      sentence: `BASELINE: ${report.rows.length} rows are the same bit for bit`,
    });
  });

  it('moves with one bit on the same adapter, whatever its size', () => {
    const report = accepted();
    const now = changed(report, at(1, 'moe_router', 'free', { bitsA: 'ffffffffffffffff' }));
    const result = compareBaseline(now, makeBaseline(report));
    expect(result.status).toBe('moved');
    expect(places(result)).toEqual(['bits 1 moe_router free']);
    expect(result.sentence).toMatch(
      /^BASELINE MOVED: 1 of \d+ rows \(same adapter, bit for bit\), first layer 1, moe_router, free: bits: relative L2/,
    );
  });

  it('is within its limits on another adapter where only bits differ', () => {
    const report = accepted();
    const now = onOther(changed(report, at(1, 'moe_router', 'free', { bitsA: 'ffffffffffffffff' })));
    const result = compareBaseline(now, makeBaseline(report));
    expect(result).toMatchObject({ status: 'within', held: 'limits', findings: [] });
    expect(result.sentence).toMatch(/^BASELINE: 1 of \d+ rows have other bits/);
  });

  it('moves on another adapter above a limit, with its reason', () => {
    const report = accepted();
    const now = onOther(
      changed(report, (row) => ({
        ...at(1, 'moe_expert_out', 'isolated', { maxRatio: 1.2 })(row),
        ...at(2, 'moe_ffn_out', 'free', { relL2: 1e-3 })(row),
      })),
    );
    const result = compareBaseline(now, makeBaseline(report));
    expect(places(result)).toEqual(['limit 1 moe_expert_out isolated', 'limit 2 moe_ffn_out free']);
    expect(result.findings[0]?.reason).toContain('derived');
    expect(result.findings[1]?.reason).toContain('8 x the worst accepted layer');
  });

  it.each([
    ['non-finite', { nanA: 3 }],
    ['non-finite', { infA: 1 }],
    ['verdict', { verdict: 'diverge' as const }],
  ])('always moves with %s', (kind, change) => {
    const report = accepted();
    const now = onOther(changed(report, at(0, 'attn_out', 'free', change)));
    expect(places(compareBaseline(now, makeBaseline(report)))).toEqual([`${kind} 0 attn_out free`]);
  });

  it('always moves with a new flip, and not with an accepted one', () => {
    const report = accepted();
    const flips = [{ position: 4, onlyA: [7], onlyB: [2], margin: 1e-6, drift: 1e-5, explained: true }];
    const now = changed(report, at(2, 'moe_router_indices', 'free', { flips, verdict: 'after-flip', jaccard: 0.98 }));
    expect(places(compareBaseline(onOther(now), makeBaseline(report)))).toEqual(['flip 2 moe_router_indices free']);
    expect(compareBaseline(onOther(now), makeBaseline(now)).status).toBe('same');
  });

  it('never takes a missing row for a match', () => {
    const report = accepted();
    const fewer = { ...report, rows: report.rows.slice(1) };
    expect(compareBaseline(fewer, makeBaseline(report)).findings[0]).toMatchObject({ kind: 'missing' });
    expect(compareBaseline(report, makeBaseline(fewer)).findings[0]).toMatchObject({ kind: 'new' });
  });

  it('a NaN figure is above every limit', () => {
    const report = accepted();
    const now = onOther(changed(report, at(1, 'ffn_norm', 'free', { relL2: NaN })));
    expect(places(compareBaseline(now, makeBaseline(report)))).toContain('limit 1 ffn_norm free');
  });

  it.each<readonly [string, (report: Report) => Report]>([
    ['model header', (r) => ({ ...r, model: { ...r.model, headerSha256: 'f'.repeat(64) } })],
    ['tokens', (r) => ({ ...r, run: { ...r.run, tokens: [1] } })],
    ['mode', (r) => ({ ...r, run: { ...r.run, mode: 'free' } })],
    ['layers', (r) => ({ ...r, run: { ...r.run, layers: [0] } })],
    ['routing', (r) => ({ ...r, run: { ...r.run, routing: 'reference' } })],
  ])('of another %s is an error, no verdict', (what, change) => {
    const report = accepted();
    expect(() => compareBaseline(change(report), makeBaseline(report))).toThrow(
      expect.objectContaining({ code: 'baseline-mismatch', detail: expect.objectContaining({ what }) as object }),
    );
  });
});

describe('the text of a baseline', () => {
  it('reads back, one line a row, not-finite figures too', () => {
    const report = changed(accepted(), at(1, 'attn_out', 'free', { relL2: NaN, nanA: 2, verdict: 'nan-gpu' }));
    const baseline = makeBaseline(report);
    const text = baselineToJson(baseline);
    expect(baselineFromJson(text)).toEqual(
      JSON.parse(JSON.stringify(baseline), (key, value: unknown) => (key === 'relL2' && value === null ? NaN : value)),
    );
    expect(text.split('\n').filter((line) => line.includes('"verdict"'))).toHaveLength(report.rows.length);
    expect(text).toContain(`"schema": "${BASELINE_SCHEMA}"`);
  });

  it('keeps the limits that people set', () => {
    const report = accepted();
    const [first, ...rest] = makeBaseline(report).limits;
    if (first === undefined) throw new Error('no limits');
    const mine = { ...first, limit: 5e-3, reason: 'known driver issue 123' };
    expect(makeBaseline(report, [mine, ...rest]).limits[0]).toEqual(mine);
  });

  it.each(['{', '{}', '{"schema":"moescope-report/1"}', 'null', '[]'])('refuses %s', (text) => {
    expect(() => baselineFromJson(text)).toThrow(expect.objectContaining({ code: 'trace-format' }));
  });
});
