import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GpuContext } from '../../src/gpu/device';
import { getPipeline } from '../../src/gpu/pipelines';
import { runAlone, type BindingData } from '../../src/gpu/probe/run-alone';
import { ADD } from '../../src/ops/add/kernel';
import { linearGrid, type Grid } from '../../src/ops/kernel-grid';
import type { KernelSpec } from '../../src/ops/kernel-spec';
import { RMSNORM } from '../../src/ops/rmsnorm/kernel';
import { testContext } from '../support/gpu';

/* WGSL may assume NaN and infinity away, so the self-test cannot ask for them on every adapter; this one keeps them. */

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

async function run(
  spec: KernelSpec,
  inputs: Readonly<Record<string, BindingData>>,
  length: number,
  params: Readonly<Record<string, number>>,
  grid: Grid,
): Promise<Float32Array> {
  const pipeline = await getPipeline(context, spec, { id: 'plain' });
  const { y } = await runAlone(context, pipeline, { inputs, outputs: { y: length }, calls: [{ params, grid }] });
  if (y === undefined) throw new Error('no y');
  return new Float32Array(y.words.buffer);
}

it('add keeps NaN and infinity where they are', async () => {
  const a = Float32Array.of(1, NaN, Infinity, -Infinity, 2);
  const y = await run(ADD, { a, b: new Float32Array(5) }, 5, { count: 5 }, linearGrid(5, 64));
  expect([...y]).toEqual([1, NaN, Infinity, -Infinity, 2]);
});

it('add reaches beyond 65,535 workgroups', async () => {
  const count = 65_535 * 64 + 130;
  const a = Float32Array.from({ length: count }, (_, i) => i % 4096);
  const b = new Float32Array(count).fill(0.5);
  const y = await run(ADD, { a, b }, count, { count }, linearGrid(count, 64));
  expect(y.findIndex((v, i) => v !== (i % 4096) + 0.5)).toBe(-1);
});

it('rmsnorm keeps NaN inside its row', async () => {
  const x = Float32Array.from({ length: 3 * 65 }, (_, i) => (i === 70 ? NaN : Math.sin(i)));
  const weight = new Float32Array(65).fill(1);
  const params = { rows: 3, rowLength: 65, rowsPerToken: 1, xStride: 65, xOffset: 0, eps: 1e-6 };
  const y = await run(RMSNORM, { x, weight }, x.length, params, linearGrid(3, 1));
  expect(y.subarray(65, 130).every(Number.isNaN)).toBe(true);
  expect(y.subarray(0, 65).some(Number.isNaN) || y.subarray(130).some(Number.isNaN)).toBe(false);
});
