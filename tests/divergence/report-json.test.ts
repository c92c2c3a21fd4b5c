import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { reportFromJson, reportToJson } from '../../src/divergence/report-json';
import { readReport } from '../../src/share/check-report';
import { generateReport } from '../support/reports';

const code = (text: string) => {
  try {
    reportFromJson(text);
  } catch (error) {
    return error instanceof TracerError ? error.code : error;
  }
  return undefined;
};

describe('reportFromJson', () => {
  it('turns the three words back into numbers, but not the text of a token', () => {
    const text = JSON.stringify({
      schema: 'moescope-report/1',
      model: { name: 'NaN' },
      verdict: { status: 'poisoned' },
      rows: [{ cosine: 'NaN', maxAbs: 'Infinity', perPosition: ['-Infinity', 1] }],
      run: { prompt: 'Infinity', tokens: [1], tokenTexts: ['NaN'] },
    });
    expect(reportFromJson(text)).toMatchObject({
      model: { name: 'NaN' },
      rows: [{ cosine: NaN, maxAbs: Infinity, perPosition: [-Infinity, 1] }],
      run: { prompt: 'Infinity', tokenTexts: ['NaN'] },
    });
  });

  it('writes the layer of a whole-model stage as null and reads it back as none', () => {
    const report = generateReport({ kind: 'clean' });
    const text = reportToJson(report);
    const rows = Object(JSON.parse(text)).rows as readonly { readonly stage: string; readonly layer: unknown }[];
    expect(rows.filter((row) => row.stage === 'lm_head').map((row) => row.layer)).toEqual([null, null]);
    expect(reportFromJson(text)).toEqual(report);
  });

  it('keeps apart what was not compared and what was found equal', () => {
    const report = generateReport({ kind: 'clean', nTokens: 3 });
    const [first, ...rest] = report.rows;
    const with0 = {
      ...report,
      rows: [{ ...first!, perPosition: [0, undefined, 2], perPositionRatio: [undefined, NaN, 0] }, ...rest],
    };
    const text = reportToJson(with0);
    expect(text).toContain('"perPosition":[0,null,2],"perPositionRatio":[null,"NaN",0]');
    expect(reportFromJson(text)).toEqual(with0);
    expect(readReport(text, 'report.json')).toEqual(with0);
  });

  it('reads schema 1: roles, status, cause, and no zeros where the sides share no expert', () => {
    const row = { a: 'gpu', b: 'cpu', mode: 'free', layer: 0, count: 4 };
    const report = reportFromJson(
      JSON.stringify({
        schema: 'moescope-report/1',
        model: {},
        run: { arms: ['gpu', 'cpu'], positions: [4, 5, 6] },
        verdict: {
          status: 'poisoned',
          first: {
            stage: 'moe_expert_out',
            hint: '1 of 8 rows wrong, the values are those of the tensor read as Q4_K',
          },
          others: [{ stage: 'moe_router', hint: 'in words of another version' }],
        },
        rows: [
          { ...row, stage: 'moe_router_indices', perPosition: [0, 1, 1] },
          { ...row, stage: 'moe_expert_gate', perPosition: [0, 0, 'NaN'] },
          { ...row, stage: 'moe_ffn_out', perPosition: [0, 0, 0] },
        ],
      }),
    );
    expect(report.schema).toBe('moescope-report/2');
    expect(report.run).toMatchObject({ candidate: { engine: 'gpu' }, reference: { engine: 'exact' } });
    expect(report.verdict.status).toBe('not-finite');
    expect(report.verdict.first?.cause).toEqual({
      code: 'read-as-type',
      parameters: { type: 'Q4_K' },
      proven: true,
      rows: { wrong: 1, of: 8 },
    });
    expect(report.verdict.others?.[0]).not.toHaveProperty('cause');
    expect(report.rows.map((r) => r.perPosition)).toEqual([
      [0, 1, 1],
      [0, undefined, NaN],
      [0, 0, 0],
    ]);
  });

  it('writes schema 1 for readers that know no other, with nothing changed in its meaning', () => {
    const report = generateReport({ kind: 'not-finite', nTokens: 3 });
    const [first, second, ...rest] = report.rows;
    const rows = [{ ...first!, mode: 'local' as const }, { ...second!, perPosition: [0, undefined, 2] }, ...rest];
    const old: unknown = JSON.parse(reportToJson({ ...report, rows }, 1, '1'));
    expect(old).toMatchObject({
      schema: 'moescope-report/1',
      verdict: { status: 'poisoned' },
      notes: [expect.stringContaining('1 local comparison')],
    });
    expect(Object(old).run).not.toHaveProperty('candidate');
    expect(Object(old).rows).toHaveLength(rows.length - 1);
    expect(Object(old).rows[0]).not.toHaveProperty('perPosition');
    expect(Object(old).rows[1].perPosition).toHaveLength(3);
    expect(reportFromJson(JSON.stringify(old)).verdict.status).toBe('not-finite');
  });

  it('refuses what is not a report', () => {
    expect(code('{')).toBe('trace-format');
    expect(code('null')).toBe('trace-format');
    expect(code('{"schema":"moescope-report/9"}')).toBe('trace-format');
  });
});
