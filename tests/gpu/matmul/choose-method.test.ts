import { describe, expect, it } from 'vitest';
import { QUANT_TYPES } from '../../../src/gguf/ggml-types';
import { chooseMethod } from '../../../src/gpu/matmul/choose-method';

const HARDWARE = { isSoftware: false, subgroupLanes: 32 };
const shape = { type: 'Q4_K', nIn: 2048, nOut: 768, rowsPerMatrix: 1 } as const;

describe('chooseMethod', () => {
  it('is one lane a row on a software adapter, and the naive kernel for ragged rows', () => {
    expect(chooseMethod(shape, { isSoftware: true, subgroupLanes: 4 })).toEqual({ kind: 'lane', tile: 8 });
    expect(chooseMethod({ ...shape, type: 'F32', nIn: 33, rowsPerMatrix: 12 }, HARDWARE)).toEqual({
      kind: 'naive',
      tile: 8,
    });
  });

  it('fits the tile to the rows of x', () => {
    const tiles = [1, 2, 3, 8, 9, 17, 500].map((rowsPerMatrix) => {
      const { kind, tile } = chooseMethod({ ...shape, rowsPerMatrix }, HARDWARE);
      return `${kind} ${tile}`;
    });
    expect(tiles).toEqual([
      'subgroup 1',
      'subgroup 2',
      'subgroup 4',
      'subgroup 8',
      'subgroup 8',
      'subgroup 8',
      'tile 32',
    ]);
  });

  it('takes the tallest tiles of which there are enough to keep a GPU busy', () => {
    const methods = [
      { nOut: 768, rowsPerMatrix: 9, matrices: 128 },
      { nOut: 4096, rowsPerMatrix: 512 },
      { nOut: 512, rowsPerMatrix: 512 },
      { nOut: 128, rowsPerMatrix: 512 },
      { nOut: 128, rowsPerMatrix: 128 },
    ].map((s) => chooseMethod({ ...shape, ...s }, HARDWARE));
    expect(methods.map((m) => (m.kind === 'tile' ? m.laneRows : m.kind))).toEqual([8, 8, 4, 2, 'subgroup']);
  });

  it.each([
    [2048, 32, 32],
    [768, 32, 16],
    [256, 32, 8],
    [2048, 8, 8],
    [2048, 4, 4],
  ])('gives rows of %i elements, in subgroups of %i, lane groups of %i lanes', (nIn, subgroupLanes, lanes) => {
    const method = chooseMethod({ ...shape, nIn }, { ...HARDWARE, subgroupLanes });
    expect(method).toMatchObject({ kind: 'subgroup', lanes });
  });

  it('does without subgroups where there are none', () => {
    expect(chooseMethod(shape, { ...HARDWARE, subgroupLanes: 0 })).toMatchObject({ kind: 'workgroup', lanes: 32 });
  });

  it('has an answer for every type', () => {
    for (const type of QUANT_TYPES) expect(chooseMethod({ ...shape, type }, HARDWARE).kind).toBe('subgroup');
  });
});
