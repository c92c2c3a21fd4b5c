import { describe, expect, it } from 'vitest';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openLiveJudge, PLAIN } from '../tests/support/live-judge';
import { KeptResults } from './kept-results';

/*
 * Every architecture that runs is judged live once, where llama.cpp runs its small model on a CPU: 12 tokens, plain attention, f32 cache.
 */

const ROOT = fileURLToPath(new URL('../tests/golden/families/', import.meta.url));
const TOKENS = [3, 17, 40, 9, 21, 33, 2, 11, 28, 7, 19, 5];

interface Judged {
  readonly id: string;
  readonly arch: string;
  readonly sentence: string;
  readonly stages: number;
  readonly captured: number;
  readonly notes: readonly string[];
  readonly missing: readonly string[];
}

const kept = new KeptResults<Judged>('test-results/live-families.jsonl');

describe('a live llama.cpp on other architectures', () => {
  it.each(readdirSync(ROOT))('%s', { timeout: 600_000 }, async (name) => {
    if (kept.get(name) === undefined) {
      const judge = await openLiveJudge(`${ROOT}${name}/model.gguf`);
      try {
        const ran = judge.run(TOKENS, PLAIN).then((made) => ({ ...made, error: undefined }));
        const { trace, facts, error } = await ran.catch((error: unknown) => {
          return { trace: undefined, facts: undefined, error } as const;
        });
        if (trace === undefined) {
          kept.add({
            id: name,
            arch: judge.hparams.arch,
            sentence: `not run: ${String(error)}`,
            stages: 0,
            captured: 0,
            notes: [],
            missing: [],
          });
          return;
        }
        const { verdict, rows } = await judge.judge(trace);
        const missing = rows.filter(({ count }) => count === 0).map(({ stage }) => stage);
        kept.add({
          id: name,
          arch: judge.hparams.arch,
          sentence: verdict.sentence,
          stages: rows.length,
          captured: trace.captures.size,
          notes: facts?.parameterNotes ?? [],
          missing: [...new Set(missing)],
        });
      } finally {
        await judge.close();
      }
    }
    expect(kept.get(name)?.sentence).toMatch(/^MATCH|^not run/);
  });
});
