import { describe, expect, it } from 'vitest';
import { promptOf, WAYS } from '../tests/support/clean-live-runs';
import { openLiveJudge, PLAIN } from '../tests/support/live-judge';
import { FAMILIES } from '../tests/families/goldens';
import { KeptResults } from './kept-results';
import { SUBJECTS } from './subjects';

/*
 * Every architecture that runs is judged live, where llama.cpp runs its small model on a CPU: 12 tokens, plain attention, f32 cache; and then in every way
 * in which people run it, at other lengths. Nothing may be lit. MOESCOPE_GOLDENS adds models that this repository does not hold.
 */

const TOKENS = [3, 17, 40, 9, 21, 33, 2, 11, 28, 7, 19, 5];
const LENGTHS = [1, 12, 40];

interface Judged {
  readonly id: string;
  readonly arch: string;
  readonly sentence: string;
  readonly stages: number;
  readonly captured: number;
  readonly notes: readonly string[];
  readonly missing: readonly string[];
  /** Runs in all ways, and the sentences of those that were called wrong. */
  readonly runs: number;
  readonly wrong: readonly string[];
}

const kept = new KeptResults<Judged>('test-results/live-families.jsonl');
const ELSEWHERE = SUBJECTS.filter(({ path }) => !path.includes('/tests/golden/') && !path.includes('/public/'));
const MODELS = SUBJECTS.filter((subject) => FAMILIES.includes(subject.name) || ELSEWHERE.includes(subject));

describe('a live llama.cpp on other architectures', () => {
  it.each(MODELS)('$name', { timeout: 600_000 }, async ({ name, path }) => {
    if (kept.get(name) === undefined) {
      const judge = await openLiveJudge(path);
      try {
        const ran = judge.run(TOKENS, PLAIN).then((made) => ({ ...made, error: undefined }));
        const { trace, facts, error } = await ran.catch((error: unknown) => {
          return { trace: undefined, facts: undefined, error } as const;
        });
        const { arch, nVocab } = judge.hparams;
        if (trace === undefined) {
          const none = { stages: 0, captured: 0, notes: [], missing: [], runs: 0, wrong: [] };
          kept.add({ id: name, arch, sentence: `not run: ${String(error)}`, ...none });
          return;
        }
        const { verdict, rows } = await judge.judge(trace);
        const missing = rows.filter(({ count }) => count === 0).map(({ stage }) => stage);
        const wrong: string[] = [];
        let runs = 0;
        for (const [how, options] of Object.entries(WAYS)) {
          for (const nTokens of LENGTHS) {
            const made = await judge.run(promptOf({ model: name, nTokens, how, options }, nVocab), options);
            const { sentence } = (await judge.judge(made.trace)).verdict;
            const notes = made.facts?.parameterNotes ?? [];
            runs++;
            if (!sentence.startsWith('MATCH') || notes.length > 0)
              wrong.push(`${how}, ${nTokens} tokens: ${sentence} ${notes.join('; ')}`);
          }
        }
        kept.add({
          id: name,
          arch,
          sentence: verdict.sentence,
          stages: rows.length,
          captured: trace.captures.size,
          notes: facts?.parameterNotes ?? [],
          missing: [...new Set(missing)],
          runs,
          wrong,
        });
      } finally {
        await judge.close();
      }
    }
    expect(kept.get(name)?.sentence).toMatch(/^MATCH|^not run/);
    expect(kept.get(name)?.wrong).toEqual([]);
  });
});
