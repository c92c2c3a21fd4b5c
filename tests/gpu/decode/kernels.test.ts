import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SINGLE_HEADS } from '../../../src/gpu/decode/attention-plan';
import { DECODE_KERNELS, teamVariant, TEAM_KERNELS, type DecodeChoice } from '../../../src/gpu/decode/decode-kernels';
import type { GpuContext } from '../../../src/gpu/device';
import { storageBindings, type KernelSpec, type KernelVariant } from '../../../src/ops/kernel-spec';
import { getPipeline } from '../../../src/gpu/pipelines';
import { shaderSource } from '../../../src/gpu/shader-source';
import { testContext } from '../../support/gpu';

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

const team = { lanes: 8, group: 64, batches: 2 } as const;
const choice: DecodeChoice = {
  subgroups: false,
  dots: 'own',
  ahead: 1,
  attention: SINGLE_HEADS,
  teams: { qkv: team, project: team, router: team, expertsIn: team, expertsOut: team, head: team },
};

/** A variant of every kernel that needs no feature. */
function variantOf(name: keyof typeof DECODE_KERNELS): KernelVariant {
  const spec: KernelSpec = DECODE_KERNELS[name];
  if (name === 'attentionTeams') return { id: 'teams', includes: { totals: 'decode/lib/totals_subgroup.wgsl' } };
  const kernel = TEAM_KERNELS.find((k) => k === name);
  if (kernel === undefined) return spec.variants[0] ?? { id: 'plain' };
  const suffixes = kernel === 'qkv' ? ['A', 'B', 'C'] : kernel === 'expertsIn' ? ['Gate', 'Up'] : [''];
  return teamVariant(choice, team, {
    kernel,
    nIn: 256,
    types: Object.fromEntries(suffixes.map((suffix) => [suffix, 'Q4_K' as const])),
    includes: {
      choose: 'decode/lib/choose_experts.wgsl',
      pair: 'decode/lib/pair_many.wgsl',
      rows: 'decode/lib/team_dot.wgsl',
      walkGate: 'decode/lib/walk_many.wgsl',
      walkUp: 'decode/lib/walk_many.wgsl',
    },
    constants: kernel === 'expertsIn' ? { EXPERTS: 32, USED: 2 } : kernel === 'expertsOut' ? { USED: 2 } : {},
  });
}

describe.each(Object.keys(DECODE_KERNELS) as (keyof typeof DECODE_KERNELS)[])('%s', (name) => {
  const spec: KernelSpec = DECODE_KERNELS[name];
  const variant = variantOf(name);
  const { code } = shaderSource(spec.file, variant.includes);

  // Those of attention run on default limits in attention.test.ts.
  if (!name.startsWith('attention')) {
    it('compiles on default limits', async () => {
      await expect(getPipeline(context, spec, variant)).resolves.toBeDefined();
    });
  }

  it('has the params of its WGSL struct, in order', () => {
    const body = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '';
    const fields = [...body.matchAll(/^\s*(\w+):\s*(\w+),/gm)].map(([, field, type]) => [field, type]);
    expect(fields).toEqual(Object.entries(spec.params));
  });

  it('has the bindings of its WGSL variables, in order', () => {
    const found = [...code.matchAll(/@group\(0\) @binding\((\d+)\) var<([^>]+)> (\w+)/g)];
    const storage = storageBindings(spec).map(({ name: binding, writable }, i) => [
      String(i),
      writable ? 'storage, read_write' : 'storage, read',
      binding,
    ]);
    expect(found.map(([, ...rest]) => rest)).toEqual([...storage, [String(storage.length), 'uniform', 'params']]);
  });
});
