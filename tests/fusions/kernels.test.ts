import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SINGLE_HEADS } from '../../src/fusions/attention/attention-plan';
import { ATTENTION_LANE_GROUPS } from '../../src/fusions/attention/kernel';
import { LANE_GROUP_FUSIONS, type DecodeChoice } from '../../src/fusions/choice';
import { FUSIONS } from '../../src/fusions/fusions';
import { laneGroupVariant } from '../../src/fusions/lane-groups';
import { ARGMAX_LAST, ARGMAX_PARTS } from '../../src/gpu/decode/argmax';
import type { GpuContext } from '../../src/gpu/device';
import { storageBindings, type KernelSpec, type KernelVariant } from '../../src/ops/kernel-spec';
import { getPipeline } from '../../src/gpu/pipelines';
import { shaderSource } from '../../src/gpu/shader-source';
import { testContext } from '../support/gpu';

/** Software adapters take seconds to compile these kernels, more when other tests run. */
vi.setConfig({ testTimeout: 180_000 });

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

const laneGroup = { lanes: 8, group: 64, batches: 2 } as const;
const choice: DecodeChoice = {
  subgroups: false,
  dots: 'own',
  ahead: 1,
  attention: SINGLE_HEADS,
  laneGroups: {
    qkv: laneGroup,
    project: laneGroup,
    router: laneGroup,
    'experts-in': laneGroup,
    'experts-out': laneGroup,
    head: laneGroup,
  },
};

const KERNELS = [
  ...FUSIONS.flatMap(({ name, kernels }) =>
    kernels.map((spec): [string, KernelSpec, string] => [spec.file, spec, name]),
  ),
  ...[ARGMAX_PARTS, ARGMAX_LAST].map((spec): [string, KernelSpec, string] => [spec.file, spec, 'argmax']),
];

/** A variant of every kernel that needs no feature. */
function variantOf(spec: KernelSpec, fusion: string): KernelVariant {
  if (spec === ATTENTION_LANE_GROUPS)
    return { id: 'lane-groups', includes: { totals: 'fusions/lib/totals_subgroup.wgsl' } };
  if (!LANE_GROUP_FUSIONS.some((name) => name === fusion)) return spec.variants[0] ?? { id: 'plain' };
  const suffixes = fusion === 'qkv' ? ['A', 'B', 'C'] : fusion === 'experts-in' ? ['Gate', 'Up'] : [''];
  return laneGroupVariant(choice, laneGroup, {
    nIn: 256,
    types: Object.fromEntries(suffixes.map((suffix) => [suffix, 'Q4_K' as const])),
    includes: {
      choose: 'fusions/lib/choose_experts.wgsl',
      pair: 'fusions/lib/pair_many.wgsl',
      rows: 'fusions/lib/lane_group_dot.wgsl',
      walkGate: 'fusions/lib/walk_many.wgsl',
      walkUp: 'fusions/lib/walk_many.wgsl',
    },
    constants: fusion === 'experts-in' ? { EXPERTS: 32, USED: 2 } : fusion === 'experts-out' ? { USED: 2 } : {},
  });
}

describe.each(KERNELS)('%s', (_file, spec, fusion) => {
  const variant = variantOf(spec, fusion);
  const { code } = shaderSource(spec.file, variant);

  // Those of attention run on default limits in attention.test.ts.
  if (fusion !== 'attention') {
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
