import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Report, Row } from '../src/divergence/report';
import type { GpuContext } from '../src/gpu/device';
import type * as Pipelines from '../src/gpu/pipelines';
import type { ModelFile } from '../src/gguf/model-file';
import { memorySource } from '../src/gguf/memory-source';
import { nodeSource } from '../src/gguf/node-source';
import { isQuantType } from '../src/gguf/ggml-types';
import { openModel } from '../src/gguf/open-model';
import { readHParams } from '../src/model/read-hparams';
import { stageOrder } from '../src/model/stages';
import { editsFit, type Defect } from '../src/ops/defect';
import type { KernelSpec, KernelVariant } from '../src/ops/kernel-spec';
import { DEFECTS } from '../src/selftest/defects';
import { runEngine } from '../tests/support/engine-run';
import { goldenModelPath } from '../tests/support/golden';
import { testContext } from '../tests/support/gpu';
import { makeModel } from '../tests/support/gguf-models';
import { seededTokens } from './prompts';

/*
 * Every defect of a kernel in a whole run of the default mode: named where its first bit differs from a clean run's, or below the bound that hides it.
 */

/** The defect that is made in whatever is compiled. */
const made = vi.hoisted(() => ({ defect: undefined as Defect | undefined, struck: false }));

vi.mock('../src/gpu/pipelines', async (original) => {
  const real = await original<typeof Pipelines>();
  const { shaderSource } = await import('../src/gpu/shader-source');
  const strikes = ({ kernel, type, edits }: Defect, { file }: KernelSpec, variant: KernelVariant): boolean =>
    (kernel === 'rows' || file.endsWith(`/${kernel.split(' ')[0] ?? ''}.wgsl`)) &&
    (kernel !== 'rows' || variant.includes?.['weights'] === `types/${type?.toLowerCase() ?? ''}.wgsl`) &&
    editsFit(shaderSource(file, variant).code, edits);
  return {
    ...real,
    getPipeline: (context: GpuContext, kernel: KernelSpec, variant: KernelVariant, paramsAt?: 'offset' | 'bound') => {
      const { defect } = made;
      const isStruck = defect !== undefined && strikes(defect, kernel, variant);
      made.struck ||= isStruck;
      const edits = isStruck ? { edits: defect.edits } : {};
      return real.getPipeline(context, kernel, { ...variant, ...edits }, paramsAt);
    },
  };
});

/** A model of rows of 2,048 and a few large experts: what hides in long rows. */
const LONG_SHAPE = {
  nLayer: 1,
  nEmbd: 2048,
  nHead: 8,
  nHeadKv: 2,
  headDim: 128,
  nExpert: 4,
  nExpertUsed: 2,
  nFfExp: 768,
  // More than 1,000 rows, and no multiple of 64.
  nVocab: 1100,
} as const;
const SHORT_SHAPE = { nEmbd: 256, nHead: 4, nHeadKv: 2, headDim: 64, nFfExp: 256, nExpert: 8, nExpertUsed: 3 } as const;
/** Rows that are no multiple of 256; of floats none of 32 either. */
const ODD_SHAPE = { nEmbd: 72, nHead: 4, nHeadKv: 2, headDim: 16, nFfExp: 40 } as const;
const ODD_BLOCKS = { ...ODD_SHAPE, nEmbd: 96, nFfExp: 160 } as const;
const TOKENS = 9;
/** So that a prompt takes several chunks. */
const CHUNK = 5;

/** The kernels that a run takes: those of software adapters, or those of hardware, which are slow on a software adapter but the same. */
type Kernels = 'software' | 'hardware';

/** What `test-backend-ops` of ggml lets pass of a product. */
const GGML_NMSE = 5e-4;

interface Outcome {
  readonly model: string;
  readonly kernels: Kernels;
  /** `no effect`: every bit is that of a clean run. `not run`: the run takes no kernel with this text. */
  readonly seen: 'named' | 'named elsewhere' | 'hidden' | 'no effect' | 'not run';
  /** The first stage whose bits differ. */
  readonly stage?: string;
  readonly ratio?: number | undefined;
  readonly estimate?: number | undefined;
  readonly nmse?: number | undefined;
  readonly sentence: string;
}

const outcomes = new Map<Defect, Outcome[]>();
const models = new Map<string, Promise<ModelFile>>();
const clean = new Map<string, Promise<Traced>>();
const SOFTWARE_FREE = /^(?:linear_(?:laneGroup|tile)|fusions\/attention_tiled|attention_values_split)\b/;

interface Traced {
  readonly report: Report;
  /** Files of the kernels that ran. */
  readonly kernels: ReadonlySet<string>;
}

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(async () => {
  for (const model of models.values()) await (await model).close();
  context.dispose();
});

function modelOf(name: string): Promise<ModelFile> {
  const [kind, type = ''] = name.split(' ');
  const made = async (): Promise<ModelFile> => {
    const shapes = { long: LONG_SHAPE, short: SHORT_SHAPE, odd: type === 'F32' ? ODD_SHAPE : ODD_BLOCKS };
    const shape = Object.entries(shapes).find(([of]) => of === kind)?.[1];
    if (shape === undefined || !isQuantType(type)) return openModel([await nodeSource(goldenModelPath(name))]);
    return openModel([memorySource(makeModel({ shape, type }), `${name}.gguf`)]);
  };
  const model = models.get(name) ?? made();
  models.set(name, model);
  return model;
}

/** The device as another adapter would describe it. */
function withCard(of: GpuContext, card: GpuContext['card']): GpuContext {
  return new Proxy(of, {
    get: (target, name): unknown => {
      const value: unknown = name === 'card' ? card : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Kernels that the runs had. */
const everRan = new Set<string>();

async function trace(name: string, kernels: Kernels, defect: Defect | undefined): Promise<Traced> {
  const model = await modelOf(name);
  const hparams = readHParams(model);
  const card = { ...context.card, isSoftware: kernels === 'software' };
  const on = kernels === 'software' ? context : withCard(context, card);
  made.defect = defect;
  made.struck = false;
  try {
    const tokens = seededTokens(TOKENS, hparams.nVocab);
    const chunks = kernels === 'software' ? { chunkTokens: CHUNK } : {};
    const { report, uses } = await runEngine({ context: on, model, hparams, tokens, ...chunks });
    for (const { kernel } of uses) everRan.add(kernel);
    return { report, kernels: new Set(uses.map(({ kernel }) => kernel)) };
  } finally {
    made.defect = undefined;
  }
}

/** A clean run, once. */
function cleanRun(name: string, kernels: Kernels): Promise<Traced> {
  const key = `${kernels} ${name}`;
  const run = clean.get(key) ?? trace(name, kernels, undefined);
  clean.set(key, run);
  return run;
}

/** The first local row, in forward order, whose values are not those of the clean run. */
function firstDifference(report: Report, than: Report): Row | undefined {
  const key = ({ layer, stage }: Row): string => `${String(layer)} ${stage}`;
  const bits = new Map(than.rows.filter(({ mode }) => mode === 'local').map((row) => [key(row), row.bitsA]));
  const order = ({ layer, stage }: Row): number =>
    (layer ?? (stage === 'embedding' ? -1 : 1e6)) * 1e3 + stageOrder(stage);
  return report.rows
    .filter((row) => row.mode === 'local' && row.bitsA !== bits.get(key(row)))
    .sort((a, b) => order(a) - order(b))[0];
}

async function meet(defect: Defect, model: string, kernels: Kernels): Promise<Outcome> {
  const right = await cleanRun(model, kernels);
  expect(right.report.verdict.sentence).toMatch(/^MATCH/);
  const { report, kernels: ran } = await trace(model, kernels, defect);
  const isRun = made.struck && [...ran].some((name) => defect.kernel.startsWith(name) || defect.kernel === 'rows');
  const { first, status, sentence } = report.verdict;
  const row = firstDifference(report, right.report);
  const base = { model, kernels, sentence };
  if (row === undefined) return { ...base, seen: isRun ? 'no effect' : 'not run' };
  const { stage, layer, maxRatio: ratio, maxEstimate: estimate, nmse } = row;
  const isRight = first?.stage === stage && first.layer === layer;
  const seen = status === 'match' ? 'hidden' : isRight ? 'named' : 'named elsewhere';
  return { ...base, seen, stage: `${layer === undefined ? '' : `L${layer} `}${stage}`, ratio, estimate, nmse };
}

/** The models that meet a defect, of short rows and of long ones. */
function modelsOf({ kernel, type = 'F32' }: Defect): readonly string[] {
  const odd = type === 'F32' || type === 'Q8_0' ? [`odd ${type}`] : [];
  if (kernel === 'rows') return [`short ${type}`, `long ${type}`];
  if (/^linear_/.test(kernel)) return [`short ${type}`, ...odd, `long ${type}`];
  return ['mini-f32', 'mini-q4_k_m', 'long F32'];
}

/** Kernels to try: a part of the whole while one works on it. */
const wanted = new RegExp(process.env['DEFECTS'] ?? '');
/** Of the fast decoder's kernels, which the self-test alone runs. */
const isTraced = ({ kernel }: Defect): boolean => !kernel.startsWith('fusions/');

describe('a run of the default mode sees a defect of', () => {
  for (const defect of DEFECTS.filter(isTraced).filter(({ kernel }) => wanted.test(kernel))) {
    const { kernel, type = '', what } = defect;
    it(`${kernel} ${type}: ${what}`, { timeout: 300_000 }, async () => {
      const kernels = SOFTWARE_FREE.test(kernel) ? 'hardware' : 'software';
      const found: Outcome[] = [];
      outcomes.set(defect, found);
      for (const model of modelsOf(defect)) found.push(await meet(defect, model, kernels));
      for (const { seen, ratio, sentence } of found)
        if (/hidden|elsewhere/.test(seen)) expect(ratio, sentence).toBeLessThanOrEqual(1);
    });
  }

  // A pipeline that is found by another way than `getPipeline` would be struck by none of them, and every run be clean.
  it('each kernel that ran', () => {
    const outcomesOf = (name: string): readonly Outcome[] =>
      [...outcomes].flatMap(([{ kernel }, found]) => (kernel.split(' ')[0] === name ? found : []));
    const missed = [...everRan].filter((name) => {
      const found = outcomesOf(name);
      return found.length > 0 && found.every(({ seen }) => seen === 'not run');
    });
    expect(missed).toEqual([]);
  });
});

afterAll(() => {
  const figure = (x: number | undefined): string => (x === undefined ? '' : x.toPrecision(2));
  const lines = [...outcomes].flatMap(([{ kernel, type = '', kind, what }, found]) =>
    found.map(
      ({ model, seen, stage = '', ratio, estimate, nmse }) =>
        `| ${kernel} ${type} | ${kind} | ${what} | ${model} | ${seen} | ${stage} | ${figure(ratio)} | ${figure(estimate)} | ${figure(nmse)} | ${nmse === undefined ? '' : nmse <= GGML_NMSE ? 'passes' : 'fails'} |`,
    ),
  );
  const head =
    '| kernel | kind | defect | model | seen | first stage | error / bound | estimate | NMSE | ggml |\n|---|---|---|---|---|---|---|---|---|---|';
  mkdirSync('test-results', { recursive: true });
  writeFileSync('test-results/defects.md', `${head}\n${lines.join('\n')}\n`);
});
