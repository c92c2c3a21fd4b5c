import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { createCpuEngine } from '../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../src/cpu/pool/inline-pool';
import { memorySource } from '../src/gguf/memory-source';
import { openModel } from '../src/gguf/open-model';
import type { Capture } from '../src/model/engine';
import { stagesOfStep } from '../src/model/graph-of';
import { readHParams } from '../src/model/read-hparams';
import { stageSpec } from '../src/model/stages';
import type { QuantType } from '../src/types/types';
import { makeModel } from '../tests/support/gguf-models';
import { seededTokens } from './prompts';

/*
 * How small an error is certain to be seen: the bound of a stage's values over their root mean square. An error of one value above it is a ratio
 * above 1. `test-backend-ops` of ggml lets a whole tensor pass with NMSE 5e-4: every value off by 2.2 % of the root mean square.
 */

const GGML = Math.sqrt(5e-4);
const TYPES: readonly QuantType[] = ['F32', 'Q8_0', 'Q4_K', 'Q6_K', 'MXFP4'];
const LENGTHS = [256, 768, 2048, 4096];
const TOKENS = 8;

/** By stage, type and row length: the median of bound / rms. */
const limits = new Map<string, number>();

function median({ data, bound = new Float32Array(0) }: Capture): number {
  const rms = Math.sqrt(Float64Array.from(data).reduce((sum, x) => sum + x * x, 0) / data.length);
  // Keys that the mask hides have a bound of 0.
  const sorted = bound.filter((x) => x > 0).toSorted();
  return (sorted[Math.floor(sorted.length / 2)] ?? NaN) / rms;
}

describe('an error is seen from', () => {
  it.each(TYPES.flatMap((type) => LENGTHS.map((n) => [type, n] as const)))(
    '%s, rows of %i',
    { timeout: 300_000 },
    async (type, n) => {
      const shape = {
        nLayer: 1,
        nEmbd: n,
        nFfExp: n,
        nHead: 4,
        nHeadKv: 2,
        headDim: 64,
        nExpert: 4,
        nExpertUsed: 2,
        nVocab: 300,
      };
      const model = await openModel([memorySource(makeModel({ shape, type }), 'limits.gguf')]);
      const hparams = readHParams(model);
      const pool = createInlinePool(model);
      const engine = createCpuEngine({ model, hparams, pool });
      const all = [...Array(TOKENS).keys()];
      const options = (stages: readonly string[]) =>
        ({
          capture: new Map(stages.map((stage) => [stage, all] as const)),
          bounds: true,
          sumOrder: 'chunked',
        }) as const;
      await engine.begin(Uint32Array.from(seededTokens(TOKENS, hparams.nVocab)), 0, options([]));
      const layer = await engine.layer(0, options(stagesOfStep(hparams, 0)));
      const end = await engine.end(options(['final_norm', 'lm_head']));
      for (const [stage, captured] of [...layer.captures, ...end.captures]) {
        if (stageSpec(stage).values === 'index') continue;
        limits.set(`${stage}/${type}/${n}`, median(captured));
        // Each stage is held to less than what ggml's own test of it lets pass.
        expect(median(captured), stage).toBeLessThan(GGML);
      }
      await engine.dispose();
      await pool.dispose();
      await model.close();
    },
  );
});

afterAll(() => {
  const stages = [...new Set([...limits.keys()].map((key) => key.split('/')[0] ?? ''))];
  const of = (stage: string, type: string, n: number): string =>
    limits.get(`${stage}/${type}/${n}`)?.toExponential(1) ?? '';
  const head = `| stage | ${TYPES.map((type) => `${type}: ${LENGTHS.join(', ')}`).join(' | ')} |\n|---|${'---|'.repeat(TYPES.length)}`;
  const lines = stages.map(
    (stage) =>
      `| \`${stage}\` | ${TYPES.map((type) => LENGTHS.map((n) => of(stage, type, n)).join(', ')).join(' | ')} |`,
  );
  mkdirSync('test-results', { recursive: true });
  writeFileSync('test-results/detection-limits.md', `${head}\n${lines.join('\n')}\n`);
});
