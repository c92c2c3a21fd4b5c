import { describe, expect, it } from 'vitest';
import { TracerError } from '../../src/base/errors';
import { reportFromJson } from '../../src/divergence/report-json';

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

  it('refuses what is not a report', () => {
    expect(code('{')).toBe('trace-format');
    expect(code('null')).toBe('trace-format');
    expect(code('{"schema":"moescope-report/9"}')).toBe('trace-format');
  });
});
