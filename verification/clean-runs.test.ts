import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../src/base/random';
import type { Report } from '../src/divergence/report';
import { QUANT_TYPES, typeOf } from '../src/types/types';
import type { RunSpec } from '../src/session/events';
import type { ModelSession } from '../src/session/model-session';
import { makeModel, type ModelRecipe } from '../tests/support/gguf-models';
import { GOLDEN_MODELS, goldenModelPath } from '../tests/support/golden';
import { BOTH, testSession } from '../tests/support/session';
import { seededTokens } from './prompts';

/*
 * Clean runs by the hundred: models x shapes x types x options x 1 to 300 tokens. Nothing is wrong with any, and none may be called so. What ran is
 * kept in test-results/clean-runs.jsonl and is not run again, so that the whole may be made in parts: CLEAN_RUNS=100 makes the first hundred.
 */

const RUNS = 500;
const KEPT = 'test-results/clean-runs.jsonl';
/** Runs of one model, one after another: its weights and kernels are there. */
const OF_A_MODEL = 5;

const SHAPES: readonly ModelRecipe[] = [
  { shape: { nEmbd: 256, nFfExp: 256, nLayer: 1 } },
  { shape: { nEmbd: 256, nFfExp: 512, nExpert: 3, nExpertUsed: 3, nLayer: 2 } },
  { shape: { nEmbd: 512, nFfExp: 256, nHead: 8, nHeadKv: 2, headDim: 64, nLayer: 1 } },
  { shape: { nEmbd: 256, nFfExp: 256, nHead: 6, nHeadKv: 1, headDim: 32, nExpert: 12, nExpertUsed: 5 } },
  { shape: { nEmbd: 2048, nFfExp: 256, nHead: 4, nHeadKv: 2, headDim: 32, nLayer: 1 } },
  { shape: { nEmbd: 256, nFfExp: 768, nVocab: 1100, nLayer: 1 }, tied: true },
];
/** Rows that no block of 256 divides. */
const ODD: readonly ModelRecipe[] = [
  { shape: { nEmbd: 96, nFfExp: 160, nLayer: 2 } },
  { shape: { nEmbd: 160, nFfExp: 32, nHead: 5, nHeadKv: 5, headDim: 20, nExpert: 7, nExpertUsed: 1 } },
];

/** What a run is asked beside its prompt; most are as anybody makes them. */
const OPTIONS: readonly (readonly [name: string, spec: Partial<RunSpec>])[] = [
  ['default', {}],
  ['default', {}],
  ['decode 2', { decode: 2, decoder: 'engine' }],
  ['isolated too', { mode: 'local,isolated,free' }],
  ['last position', { positions: 'last' }],
  ['the fast decoder', { decode: 2, decoder: 'fast' }],
  ['small budget', { gpuBudget: 200_000 }],
  ['forced experts', { routing: 'reference' }],
];

interface Planned {
  readonly id: string;
  readonly model: string | ModelRecipe;
  readonly spec: Partial<RunSpec>;
  readonly tokens: number;
}

interface Made {
  readonly id: string;
  readonly status: string;
  readonly ratio: number;
  readonly ms: number;
}

function plan(): readonly Planned[] {
  const runs: Planned[] = [];
  for (let m = 0; runs.length < RUNS; m++) {
    const random = seededRandom(1000 + m);
    const [name, model] = m % 3 === 0 ? golden(random) : generated(random, m);
    for (let i = 0; i < OF_A_MODEL; i++) {
      const [option, spec] = OPTIONS[random.below(OPTIONS.length)] ?? ['default', {}];
      const tokens = lengthOf(random);
      runs.push({ id: `${runs.length}: ${name}, ${option}, ${tokens} tokens`, model, spec, tokens });
    }
  }
  return runs.slice(0, RUNS);
}

function golden(random: Random): readonly [string, string] {
  const name = GOLDEN_MODELS[random.below(GOLDEN_MODELS.length)] ?? 'mini-f32';
  return [name, name];
}

function generated(random: Random, seed: number): readonly [string, ModelRecipe] {
  const type = QUANT_TYPES[random.below(QUANT_TYPES.length)] ?? 'Q4_K';
  const shapes = typeOf(type).blockSize > 32 ? SHAPES : [...SHAPES, ...ODD];
  const shape = random.below(shapes.length);
  return [`shape ${shape} of ${type}`, { ...shapes[shape], type, seed }];
}

/** Mostly short, as a trace costs what it costs; each length from 1 on, some of hundreds. */
function lengthOf(random: Random): number {
  const kind = random.below(20);
  if (kind === 0) return 65 + random.below(236);
  return kind < 6 ? 17 + random.below(48) : 1 + random.below(16);
}

const known: Made[] = existsSync(KEPT)
  ? readFileSync(KEPT, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Made)
  : [];
const wanted = plan().slice(0, Number(process.env['CLEAN_RUNS'] ?? RUNS));
mkdirSync('test-results', { recursive: true });

let open: { readonly key: string; readonly session: ModelSession } | undefined;
async function sessionOf(model: string | ModelRecipe): Promise<ModelSession> {
  const key = JSON.stringify(model);
  if (open?.key === key) return open.session;
  await open?.session.dispose();
  open = { key, session: await testSession(typeof model === 'string' ? goldenModelPath(model) : makeModel(model)) };
  return open.session;
}

function largest({ rows }: Report): number {
  return rows.reduce((most, { maxRatio = 0 }) => Math.max(most, maxRatio), 0);
}

describe('nothing is said against', () => {
  const left = wanted.filter(({ id }) => !known.some((made) => made.id === id));
  it.each(left.map((run) => [run.id, run] as const))(
    '%s',
    { timeout: 600_000 },
    async (id, { model, spec, tokens }) => {
      const session = await sessionOf(model);
      const started = performance.now();
      const asked = {
        ...BOTH,
        mode: 'local,free',
        ...spec,
        tokens: seededTokens(tokens, session.hparams.nVocab),
      } as const;
      const report = await session.run(asked, { onEvent: () => undefined });
      const made: Made = { id, status: report.verdict.status, ratio: largest(report), ms: performance.now() - started };
      appendFileSync(KEPT, `${JSON.stringify(made)}\n`);
      known.push(made);
      expect(report.verdict.status, report.verdict.sentence).toBe('match');
    },
  );

  it('any of those that were made before', () => {
    expect(known.filter(({ status }) => status !== 'match')).toEqual([]);
  });
});

afterAll(async () => {
  await open?.session.dispose();
  const ratios = known.map(({ ratio }) => ratio).toSorted((x, y) => x - y);
  const at = (share: number): string => (ratios[Math.floor(share * (ratios.length - 1))] ?? NaN).toFixed(2);
  const alarms = known.filter(({ status }) => status !== 'match').length;
  writeFileSync(
    'test-results/clean-runs.md',
    `| runs | false alarms | largest error / bound: median | 95 % | most |\n|---|---|---|---|---|\n| ${known.length} | ${alarms} | ${at(0.5)} | ${at(0.95)} | ${at(1)} |\n`,
  );
});
