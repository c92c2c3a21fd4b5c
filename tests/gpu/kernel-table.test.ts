import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { storageBindings, type KernelSpec } from '../../src/ops/kernel-spec';
import { KERNELS } from '../../src/gpu/kernel-table';
import { MATMUL_KERNELS } from '../../src/gpu/matmul/variants';
import { getPipeline } from '../../src/gpu/pipelines';
import { shaderSource } from '../../src/gpu/shader-source';
import { testContext } from '../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

/** `name: type` pairs of `struct Params` in the WGSL text, in order. */
function wgslParams(kernel: KernelSpec): Record<string, string> {
  const { code } = shaderSource(kernel.file, kernel.variants[0]);
  const body = /struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '';
  return Object.fromEntries([...body.matchAll(/(\w+):\s*(\w+),/g)].map(([, name = '', type = '']) => [name, type]));
}

/** `[binding, access, name]` of every module variable of group 0. */
function wgslBindings(kernel: KernelSpec): unknown[] {
  const { code } = shaderSource(kernel.file, kernel.variants[0]);
  const found = code.matchAll(/@group\(0\) @binding\((\d+)\) var<([^>]+)> (\w+)/g);
  return [...found].map(([, binding, access, name]) => [Number(binding), access, name]);
}

const ALL = [...KERNELS, ...MATMUL_KERNELS].map((kernel) => [kernel.file, kernel] as const);

describe.each(ALL)('%s', (_file, kernel) => {
  // The products have too many variants to build them all: tests/gpu/matmul/variants.test.ts does it in its own way.
  const variants = MATMUL_KERNELS.includes(kernel) ? [] : kernel.variants;
  it.each(variants.map((v) => [v.id, v] as const))('compiles as %s on default limits', async (_id, variant) => {
    await expect(getPipeline(context, kernel, variant)).resolves.toBeDefined();
  });

  it('has the params of its WGSL struct, in order', () => {
    expect(Object.entries(wgslParams(kernel))).toEqual(Object.entries(kernel.params));
  });

  it('has the bindings of its WGSL variables, in order', () => {
    const storage = storageBindings(kernel).map(({ name, writable }, i) => [
      i,
      writable ? 'storage, read_write' : 'storage, read',
      name,
    ]);
    expect(wgslBindings(kernel)).toEqual([...storage, [storage.length, 'uniform', 'params']]);
  });
});
