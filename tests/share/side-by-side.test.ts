import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { reportFromJson } from '../../src/divergence/report-json';
import { withoutPrompt } from '../../src/share/redact';
import { sideBySide } from '../../src/share/side-by-side';
import { generateReport } from '../support/reports';

const recorded = reportFromJson(readFileSync('public/sample/recorded-healthy.json', 'utf8'));

test('a report beside itself without its prompt: the same model and prompt, every tensor equal to the bit', async () => {
  const found = await sideBySide(recorded, await withoutPrompt(recorded));
  expect(found.alike).toBe(true);
  expect(found.bits?.of).toBeGreaterThan(100);
  expect(found.bits?.equal).toBe(found.bits?.of);
  expect(found.facts.filter(({ same }) => !same).map(({ name }) => name)).toEqual(
    expect.not.arrayContaining(['Model', 'Adapter', 'Measured']),
  );
});

test('one flipped fingerprint is counted, in its stage', async () => {
  const at = recorded.rows.findIndex((row) => row.mode === 'free' && row.stage === 'moe_router' && row.layer === 4);
  const rows = recorded.rows.map((row, i) => (i === at ? { ...row, bitsA: '0000000000000000', relL2: 0.5 } : row));
  const { bits, stages } = await sideBySide(recorded, { ...recorded, rows });
  expect((bits?.of ?? 0) - (bits?.equal ?? 0)).toBe(1);
  const router = stages.find(({ title }) => title === 'MoeRouter');
  expect(router?.bits).toEqual({ equal: 5, of: 6 });
  expect(router?.relL2[1]).toBe('0.50');
  expect(router?.relL2[0]).not.toBe('0.50');
});

test('reports of different models are told from reports that can be held against each other', async () => {
  const found = await sideBySide(recorded, generateReport({ kind: 'not-finite' }));
  expect(found.alike).toBe(false);
  expect(found.bits).toBeUndefined();
  expect(found.facts.find(({ name }) => name === 'Measured')?.same).toBe(false);
  expect(found.stages.find(({ title }) => title === 'MoeExpertGate')?.ratio[1]).toBe('NaN');
});
