import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GpuContext } from '../../../src/gpu/device';
import { prepareMatmul, type Matmul } from '../../../src/gpu/matmul/encode-matmul';
import type { MatmulMethod } from '../../../src/gpu/matmul/variants';
import { compileShader, shaderSource } from '../../../src/gpu/shader-source';
import { testContext } from '../../support/gpu';
import { runCase, type MatmulCase } from './run-matmul';

/*
 * The comparison of matmul.test.ts must see every one of these defects: a test that cannot fail proves nothing.
 * Defects in how a format is read are in src/selftest/mutations.ts.
 */

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('adapter');
});
afterAll(() => {
  context.dispose();
});

/** The kernel with one piece of its WGSL replaced. */
async function mutate(matmul: Matmul, from: string, to: string): Promise<Matmul> {
  const { pipeline } = matmul;
  const source = shaderSource(pipeline.kernel.file, pipeline.variant.includes);
  expect(source.code, 'the mutation finds its place').toContain(from);
  const module = await compileShader(context.device, { ...source, code: source.code.replace(from, to) });
  const layout = context.device.createPipelineLayout({ bindGroupLayouts: [pipeline.layout] });
  const mutant = await context.device.createComputePipelineAsync({
    layout,
    compute: { module, entryPoint: 'main', constants: { ...pipeline.variant.constants } },
  });
  return { ...matmul, pipeline: { ...pipeline, pipeline: mutant } };
}

/** Red: outside the bound, or written where it must not. */
async function isCaught(c: MatmulCase, from: string, to: string, method: MatmulMethod = NAIVE): Promise<boolean> {
  const matmul = await prepareMatmul(context, { ...c, rowsPerMatrix: 8 }, method);
  const honest = await runCase(context, matmul, c);
  expect(honest.worstRatio).toBeLessThanOrEqual(1);
  const { worstRatio, strayWrites } = await runCase(context, await mutate(matmul, from, to), c);
  return worstRatio > 1 || strayWrites > 0;
}

const NAIVE: MatmulMethod = { kind: 'naive', tile: 8 };
const base = { nOut: 7, shares: [[3, 0], [1]], weights: 'normal', input: 'normal', gap: 3, seed: 9 } as const;

const GUARDED_READ = `let at = min(k, vec4(params.nIn - 1u)) + row;
  return select(vec4(0.0), vec4(x[at.x], x[at.y], x[at.z], x[at.w]), k < vec4(params.nIn));`;

describe('a defect in the kernel', () => {
  it.each([
    ['a flipped sign', 'sums[t] += sum', 'sums[t] -= sum'],
    ['a lost column', 'chunkColumn(u, c, 5u)', 'chunkColumn(u, c, 4u)'],
    ['a lost last unit', 'u < units;', 'u + 1u < units;'],
    ['a wrong y row', 'rows[entry.y + t].y *', 'rows[entry.y + t].x *'],
    ['a wrong x row', 'rows[entry.y + t].x *', 't *'],
    ['a forgotten weight offset', '(entry.x >> 2u) + o', 'o'],
    ['a forgotten x offset', '+ params.xOffset', '+ 0u * params.xOffset'],
    ['a forgotten y offset', '+ params.yOffset', '+ 0u * params.yOffset'],
    ['an x read beyond the row', GUARDED_READ, 'let at = k + row;\n  return vec4(x[at.x], x[at.y], x[at.z], x[at.w]);'],
    ['a row too many', 'o >= params.nOut', 'o > params.nOut'],
    ['a lost row of the list', 'min(entry.z, TOKENS)', 'min(entry.z, TOKENS) - 1u'],
  ])('%s is caught', async (_name, from, to) => {
    expect(await isCaught({ ...base, type: 'F32', nIn: 33 }, from, to)).toBe(true);
  });
});

describe('a defect in a fast kernel', () => {
  const team: MatmulMethod = { kind: 'team', tile: 1, teamRows: 2, lanes: 8 };
  const subgroup: MatmulMethod = { kind: 'subgroup', tile: 1, teamRows: 2, lanes: 4 };
  const tile: MatmulMethod = { kind: 'tile', tile: 32, laneRows: 8 };
  it.each<[string, MatmulMethod, string, string]>([
    ['a lane that loses its second unit', team, 'u += LANES', 'u += 2u * LANES'],
    ['a sum without its last lane', team, 'k < LANES', 'k + 1u < LANES'],
    ['a butterfly without its last step', subgroup, 'step > 0u', 'step > 1u'],
    ['a walk that ends early', tile, 'u < units; u++', 'u + 1u < units; u++'],
  ])('%s is caught', async (_name, method, from, to) => {
    expect(await isCaught({ ...base, type: 'Q8_0', nIn: 512, nOut: 65, gap: 4 }, from, to, method)).toBe(true);
  });

  it.each<[string, string, string]>([
    ['a tile row computed twice', '(wRow + 8u * r) * 8u', '(wRow + 8u * min(r, 6u)) * 8u'],
    ['a row of x computed twice', '(xRow + 8u * j) * 8u', '(xRow + 8u * min(j, 0u)) * 8u'],
    ['half of the rows of x left out', 'count > 16u', 'count > 24u'],
    ['a chunk fetched twice', '(c + 1u) % CHUNKS', 'c'],
    ['a unit fetched twice', 'min(u + 1u, units - 1u)', 'u'],
  ])('%s is caught', async (_name, from, to) => {
    const rows = [...Array(20).keys()];
    expect(await isCaught({ ...base, type: 'Q4_K', nIn: 512, nOut: 65, gap: 4, shares: [rows] }, from, to, tile)).toBe(
      true,
    );
  });
});
