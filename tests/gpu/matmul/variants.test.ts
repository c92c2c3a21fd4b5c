import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { MATMUL_KERNELS, matmulVariant } from '../../../src/gpu/matmul/variants';
import { getPipeline } from '../../../src/gpu/pipelines';
import { compileShader, shaderSource } from '../../../src/gpu/shader-source';
import { testContext } from '../../support/gpu';

let plain: GpuContext;
let withFeatures: GpuContext;
beforeAll(async () => {
  plain = await testContext('default');
  withFeatures = await testContext('adapter');
});
afterAll(() => {
  plain.dispose();
  withFeatures.dispose();
});

/* Modules only: a pipeline costs a software adapter a second or two. matmul.test.ts builds pipelines of every kernel. */
describe.each(MATMUL_KERNELS)('$file', (kernel) => {
  it('compiles in every variant, on default limits where no feature is needed', async () => {
    for (const variant of kernel.variants) {
      const { device } = variant.feature === undefined ? plain : withFeatures;
      const source = shaderSource(kernel.file, variant);
      await expect(compileShader(device, source), variant.id).resolves.toBeDefined();
    }
  });
});

/* The largest grid takes 4 KiB of workgroup memory, the largest tiles 12: all that WebGPU promises. */
it('has room for the largest grid beside the largest tiles, on default limits', async () => {
  const { kernel, variant } = matmulVariant('IQ1_S', { kind: 'tile', tile: 32, laneRows: 8 });
  expect(plain.device.limits.maxComputeWorkgroupStorageSize).toBe(16_384);
  await expect(getPipeline(plain, kernel, variant)).resolves.toBeDefined();
});
