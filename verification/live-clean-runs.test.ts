import { describe, expect, it } from 'vitest';
import { goldenModelPath } from '../tests/support/golden';
import { cleanRuns, promptOf, type CleanRun } from '../tests/support/clean-live-runs';
import { openLiveJudge } from '../tests/support/live-judge';
import { installedVersion } from './llama-cpp-versions';
import { KeptResults } from './kept-results';

/*
 * A real llama.cpp with nothing wrong, in two versions: models x prompts x options. Nothing may be lit. What ran is kept and not run again.
 */

const MODELS = [
  'mini-f32',
  'mini-f16',
  'mini-bf16',
  'mini-q4_0',
  'mini-q4_1',
  'mini-q5_1',
  'mini-q4_k_m',
  'mini-q6_k',
  'mini-q8_0',
  'mini-iq4_xs',
  'mini-mxfp4',
  'deep-q8_0',
  'tied-q4_k_m',
];
const LENGTHS = [1, 40];
/** The pinned one, and one of half a year before. */
const VERSIONS = ['3.22.1', '3.17.1'];
const LEAST = 200;

interface Made extends CleanRun {
  readonly id: string;
  readonly version: string;
  readonly status: string;
  readonly sentence: string;
  /** Largest error over the bound of its arithmetic. */
  readonly worst: number;
  readonly arithmetics: Readonly<Record<string, string>>;
}

const kept = new KeptResults<Made>('test-results/live-clean-runs.jsonl');

describe('runs with nothing wrong', () => {
  it.each(MODELS)('%s: nothing is lit', { timeout: 3_600_000 }, async (model) => {
    const judge = await openLiveJudge(goldenModelPath(model));
    try {
      for (const version of VERSIONS) {
        const installed = await installedVersion(version);
        for (const run of cleanRuns([model], LENGTHS)) {
          const id = `${model}, ${version}, ${run.nTokens} tokens, ${run.how}`;
          if (kept.get(id) === undefined) {
            const { trace } = await judge.run(promptOf(run, judge.hparams.nVocab), { ...run.options, installed });
            const { verdict, arithmetic } = await judge.judge(trace);
            const named = arithmetic.map((a) => [`${a.stage} ${a.type}`.trim(), a.arithmetic ?? 'none'] as const);
            kept.add({
              ...run,
              id,
              version,
              status: verdict.status,
              sentence: verdict.sentence,
              worst: Math.max(...arithmetic.map((a) => a.worst)),
              arithmetics: Object.fromEntries(named),
            });
          }
          expect(kept.get(id)?.sentence, id).toMatch(/^MATCH/);
        }
      }
    } finally {
      await judge.close();
    }
  });

  it('were enough', () => {
    expect(cleanRuns(MODELS, LENGTHS).length * VERSIONS.length).toBeGreaterThanOrEqual(LEAST);
  });
});
