import { describe, expect, it } from 'vitest';
import { goldenModelPath } from '../support/golden';
import { openLiveJudge, PLAIN } from '../support/live-judge';

/* Latent attention keeps one short vector a token, of which llama.cpp reads keys and values alike: by its weight alone the product of either is the other's. */

const TOKENS = [3, 17, 40, 9, 21, 33, 2, 11, 28, 7, 19, 5];

describe('latent attention of a real llama.cpp', () => {
  it.each(['deepseek2-lite', 'deepseek2-v3'])('%s: every stage is captured and right', async (name) => {
    const judge = await openLiveJudge(goldenModelPath(`families/${name}`));
    try {
      const { verdict, rows } = await judge.judge((await judge.run(TOKENS, PLAIN)).trace);
      expect(rows.filter(({ count }) => count === 0).map(({ stage }) => stage)).toEqual([]);
      expect(rows.map(({ stage }) => stage)).toEqual(expect.arrayContaining(['kqv', 'attention', 'moe_router']));
      expect(verdict.sentence).toMatch(/^MATCH/);
    } finally {
      await judge.close();
    }
  });
});
