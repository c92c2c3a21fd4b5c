import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Report } from '../src/divergence/report';
import type { GpuContext } from '../src/gpu/device';
import type * as Pipelines from '../src/gpu/pipelines';
import type { ModelFile } from '../src/gguf/model-file';
import { memorySource } from '../src/gguf/memory-source';
import { openModel } from '../src/gguf/open-model';
import { readHParams } from '../src/model/read-hparams';
import { editsFit, type Defect } from '../src/ops/defect';
import type { KernelSpec, KernelVariant } from '../src/ops/kernel-spec';
import { DEFECTS } from '../src/selftest/defects';
import type { QuantType } from '../src/types/types';
import { runEngine } from '../tests/support/engine-run';
import { makeModel } from '../tests/support/gguf-models';
import { testContext } from '../tests/support/gpu';
import { seededTokens } from './prompts';

/*
 * Every defect of the fast decoder's kernels in tokens that it makes behind a prompt (`--decode`): named, or without an effect there.
 */

/** The defect that is made in whatever is compiled. */
const made = vi.hoisted(() => ({ defect: undefined as Defect | undefined, struck: false }));

vi.mock('../src/gpu/pipelines', async (original) => {
  const real = await original<typeof Pipelines>();
  const { shaderSource } = await import('../src/gpu/shader-source');
  return {
    ...real,
    getPipeline: (context: GpuContext, kernel: KernelSpec, variant: KernelVariant, paramsAt?: 'offset' | 'bound') => {
      const { defect } = made;
      const isStruck =
        defect !== undefined &&
        kernel.file === `${defect.kernel}.wgsl` &&
        editsFit(shaderSource(kernel.file, variant).code, defect.edits);
      made.struck ||= isStruck;
      return real.getPipeline(context, kernel, isStruck ? { ...variant, edits: defect.edits } : variant, paramsAt);
    },
  };
});

/** More keys than a tile of attention has. */
const PROMPT = 70;
const TOKENS = 3;
const SHAPE = {
  nEmbd: 256,
  nHead: 4,
  nHeadKv: 2,
  headDim: 64,
  nFfExp: 256,
  nExpert: 8,
  nExpertUsed: 3,
  nLayer: 2,
} as const;
/** The ways of attention that a software adapter gets, and those of hardware without subgroups of 32. */
type Kernels = 'software' | 'hardware';

const models = new Map<string, Promise<ModelFile>>();
const clean = new Map<string, Promise<Report>>();
const lines: string[] = [];
let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(async () => {
  for (const model of models.values()) await (await model).close();
  context.dispose();
  mkdirSync('test-results', { recursive: true });
  const head = '| kernel | kind | defect | kernels | seen | first | error / bound |\n|---|---|---|---|---|---|---|';
  writeFileSync('test-results/decoder-defects.md', `${head}\n${lines.join('\n')}\n`);
});

function modelOf(type: QuantType): Promise<ModelFile> {
  const model = models.get(type) ?? openModel([memorySource(makeModel({ shape: SHAPE, type }), `${type}.gguf`)]);
  models.set(type, model);
  return model;
}

/** The device as hardware would describe it. */
function asHardware(of: GpuContext): GpuContext {
  return new Proxy(of, {
    get: (target, name): unknown => {
      const value: unknown = name === 'card' ? { ...of.card, isSoftware: false } : Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function decode(type: QuantType, kernels: Kernels, defect: Defect | undefined): Promise<Report> {
  const model = await modelOf(type);
  const hparams = readHParams(model);
  made.defect = defect;
  made.struck = false;
  try {
    const on = kernels === 'software' ? context : asHardware(context);
    const tokens = seededTokens(PROMPT, hparams.nVocab);
    return (await runEngine({ context: on, model, hparams, tokens, decode: TOKENS, decoder: true })).report;
  } finally {
    made.defect = undefined;
  }
}

function cleanRun(type: QuantType, kernels: Kernels): Promise<Report> {
  const run = clean.get(`${kernels} ${type}`) ?? decode(type, kernels, undefined);
  clean.set(`${kernels} ${type}`, run);
  return run;
}

const wanted = new RegExp(process.env['DEFECTS'] ?? '');
const OF_DECODER = DEFECTS.filter(({ kernel }) => /^(?:fusions|sampling)\//.test(kernel) && wanted.test(kernel));

describe('tokens of the fast decoder show a defect of', () => {
  for (const defect of OF_DECODER) {
    const { kernel, type = 'F32', kind, what } = defect;
    const kernels: Kernels = /attention$|attention_lane_groups$/.test(kernel) ? 'hardware' : 'software';
    it(`${kernel} ${type}: ${what}`, { timeout: 600_000 }, async () => {
      const right = await cleanRun(type, kernels);
      expect(right.verdict.sentence).toMatch(/^MATCH/);
      const { verdict, decoded } = await decode(type, kernels, defect);
      const changed = JSON.stringify(decoded) !== JSON.stringify(right.decoded);
      const seen = verdict.status !== 'match' ? 'named' : changed ? 'hidden' : made.struck ? 'no effect' : 'not run';
      const { stage = '', value } = verdict.first ?? {};
      lines.push(
        `| ${kernel} ${type} | ${kind} | ${what} | ${kernels} | ${seen} | ${stage} | ${value?.toPrecision(2) ?? ''} |`,
      );
      // A race that SwiftShader does not lose, and an eps that is less than rounding.
      if (kind !== 'barrier' && what !== 'eps left out') expect(seen, verdict.sentence).not.toBe('hidden');
    });
  }
});
