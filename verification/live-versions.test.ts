import { describe, expect, it } from 'vitest';
import { goldenModelPath, loadGolden } from '../tests/support/golden';
import { openLiveJudge, PLAIN } from '../tests/support/live-judge';
import { installedVersion } from './llama-cpp-versions';
import { KeptResults } from './kept-results';

/*
 * Published versions of llama.cpp, each run and judged: every field of every struct is measured on the library that is loaded, and one that is not
 * understood is refused before anything is passed to it.
 */

const RUN = ['3.22.1', '3.21.1', '3.20.0', '3.19.1', '3.18.1', '3.17.1', '3.15.0', '3.14.2', '3.13.0'];
const REFUSED = ['3.12.4'];
const MODEL = 'mini-q4_k_m';

interface Tried {
  readonly id: string;
  readonly version: string;
  readonly plain: string;
  readonly defaults: string;
  readonly worst: number;
  readonly changed: number;
}

const kept = new KeptResults<Tried>('test-results/live-versions.jsonl');

describe('a published version', () => {
  it.each(RUN)('%s is run and judged', { timeout: 600_000 }, async (version) => {
    if (kept.get(version) === undefined) {
      const judge = await openLiveJudge(goldenModelPath(MODEL));
      try {
        const installed = await installedVersion(version);
        const tokens = [...loadGolden(MODEL, 'p12').tokens];
        const plain = await judge.run(tokens, { ...PLAIN, installed });
        const defaults = await judge.run(tokens, { installed });
        const [first, second] = [await judge.judge(plain.trace), await judge.judge(defaults.trace)];
        kept.add({
          id: version,
          version: plain.facts?.version ?? plain.facts?.commit ?? '',
          plain: first.verdict.sentence,
          defaults: second.verdict.sentence,
          worst: Math.max(...[...first.arithmetic, ...second.arithmetic].map((a) => a.worst)),
          changed: (plain.facts?.logitRowsChanged ?? NaN) + (defaults.facts?.logitRowsChanged ?? NaN),
        });
      } finally {
        await judge.close();
      }
    }
    const tried = kept.get(version);
    expect(tried?.plain).toMatch(/^MATCH/);
    expect(tried?.defaults).toMatch(/^MATCH/);
    expect(tried?.changed).toBe(0);
  });

  it.each(REFUSED)('%s is refused, with what to do', { timeout: 600_000 }, async (version) => {
    const judge = await openLiveJudge(goldenModelPath(MODEL));
    try {
      const run = judge.run([1, 2, 3], { ...PLAIN, installed: await installedVersion(version) });
      await expect(run).rejects.toMatchObject({ code: 'engine-layout' });
    } finally {
      await judge.close();
    }
  });
});
