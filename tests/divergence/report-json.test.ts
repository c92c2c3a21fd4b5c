import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { reportFromJson, reportToJson } from '../../src/divergence/report-json';
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

  it('refuses what is not a report', () => {
    expect(code('{')).toBe('trace-format');
    expect(code('null')).toBe('trace-format');
    expect(code('{"schema":"moescope-report/9"}')).toBe('trace-format');
  });
});
