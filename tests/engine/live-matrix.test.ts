import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { promptOf, WAYS } from '../support/clean-live-runs';
import { goldenModelPath, loadGolden } from '../support/golden';
import { openLiveJudge, PLAIN } from '../support/live-judge';
import { CERTAIN } from '../support/certain';
import { planMatrix, tryDefect } from '../support/live-matrix';

/* A small part of `verification/live-*.test.ts`: a real llama.cpp that reads damaged files, and such that read right ones. */

vi.setConfig({ testTimeout: 120_000 });

const folder = mkdtempSync(join(tmpdir(), 'moescope-matrix-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('a llama.cpp that reads a damaged file', () => {
  it.each([
    ['mini-q4_k_m', /^attn_q-1 (?:scale-x2|quant-step)|^ffn_down_exps-1 (?:scale-ulp|swap-experts)|^output quant-top/],
    ['mini-f32', /^ffn_up_exps-1 (?:scale-x2|copy-expert)|^token_embd swap-rows|^attn_norm-1 scale-x2/],
  ])('%s: each damage is foreseen, and named with its tensor and expert', async (model, wanted) => {
    const path = goldenModelPath(model);
    const tokens = [...loadGolden(model, 'p12').tokens];
    const matrix = await planMatrix(path, tokens, folder, wanted);
    expect(matrix.defects.length).toBeGreaterThan(3);
    try {
      expect((await matrix.judge.judge(matrix.clean)).verdict.sentence).toMatch(/^MATCH/);
      for (const planned of matrix.defects) {
        expect(planned.effect, planned.defect.id).toBeGreaterThan(CERTAIN);
        const row = await tryDefect(matrix, planned, path, tokens, folder);
        expect(row, row.sentence).toMatchObject({ lit: true, exact: true });
      }
    } finally {
      await matrix.judge.close();
    }
  });
});

describe('a llama.cpp that reads a right file', () => {
  it.each([
    // Each was called wrong before roundings on an edge, and sums in f16, were counted.
    ['mini-q4_1', 1, 'no flash attention, f16 cache'],
    ['deep-q8_0', 40, 'no flash attention, f16 cache'],
    ['tied-q4_k_m', 40, 'its defaults'],
  ] as const)('%s, %i tokens, %s: nothing is lit', async (model, nTokens, how) => {
    const judge = await openLiveJudge(goldenModelPath(model));
    try {
      const options = WAYS[how] ?? PLAIN;
      const { trace } = await judge.run(promptOf({ model, nTokens, how, options }, judge.hparams.nVocab), options);
      expect((await judge.judge(trace)).verdict.sentence).toMatch(/^MATCH/);
    } finally {
      await judge.close();
    }
  });

  it.each(['gpt-oss-mxfp4', 'glm4moe-q8_0', 'qwen2moe', 'qwen3moe-nvfp4-scaled', 'qwen3next'])(
    '%s: biases, scales, shared experts and other norms are where they belong',
    async (family) => {
      const path = fileURLToPath(new URL(`../golden/families/${family}/model.gguf`, import.meta.url));
      const judge = await openLiveJudge(path);
      try {
        const { trace, facts } = await judge.run([3, 17, 40, 9, 21, 33, 2], PLAIN);
        const { verdict, rows } = await judge.judge(trace);
        expect(verdict.sentence).toMatch(/^MATCH/);
        expect(rows.filter(({ verdict: of }) => of === 'match').length).toBeGreaterThan(45);
        expect(facts?.parameterNotes).toEqual([]);
      } finally {
        await judge.close();
      }
    },
  );
});
