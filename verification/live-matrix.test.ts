import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { goldenModelPath, loadGolden } from '../tests/support/golden';
import { CERTAIN } from '../tests/support/certain';
import { planMatrix, tryDefect, type MatrixRow } from '../tests/support/live-matrix';
import { KeptResults } from './kept-results';

/*
 * A real llama.cpp reads files whose weights were damaged, the judge reads those that were not: every defect whose effect is above the detection limit
 * is named with its layer, stage, tensor and expert, and none is put down to another. Effects are computed before any damaged file is run.
 * LIVE_MATRIX=REGEX tries some defects alone.
 */

const MODELS = ['mini-f32', 'mini-q4_k_m', 'mini-q8_0', 'mini-mxfp4'];
const LEAST = 40;
const wanted = new RegExp(process.env['LIVE_MATRIX'] ?? '');
const folder = mkdtempSync(join(tmpdir(), 'moescope-matrix-'));
const kept = new KeptResults<MatrixRow & { readonly model: string }>('test-results/live-matrix.jsonl');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe.each(MODELS)('%s', (model) => {
  it('names each damaged tensor', { timeout: 3_600_000 }, async () => {
    const path = goldenModelPath(model);
    const tokens = [...loadGolden(model, 'p12').tokens];
    const matrix = await planMatrix(path, tokens, folder, wanted);
    if (process.env['LIVE_MATRIX'] === undefined) expect(matrix.defects.length).toBeGreaterThanOrEqual(LEAST);
    try {
      expect((await matrix.judge.judge(matrix.clean)).verdict.sentence).toMatch(/^MATCH/);
      for (const planned of matrix.defects) {
        const id = `${model}: ${planned.defect.id}`;
        const row = kept.get(id) ?? { ...(await tryDefect(matrix, planned, path, tokens, folder)), model, id };
        if (kept.get(id) === undefined) kept.add(row);
        if (row.effect >= CERTAIN) expect(row.lit, `${id}: ${row.sentence}`).toBe(true);
        if (row.lit) expect(row.exact, `${id}: ${row.sentence}`).toBe(true);
      }
    } finally {
      await matrix.judge.close();
    }
  });
});
