import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COLUMNS } from '../../src/types/lib/columns';
import { bitOf, floatBytes } from '../../src/types/lib/float-field';
import { TYPES } from '../../src/types/types';

const url = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const names = TYPES.map((type) => type.name.toLowerCase());

describe('the list of weight types', () => {
  it('has the folders of src/types and the files of shaders/types, one each', () => {
    const folders = readdirSync(url('src/types/'), { withFileTypes: true }).filter((e) => e.isDirectory());
    expect(
      folders
        .map((e) => e.name)
        .filter((name) => name !== 'lib')
        .sort(),
    ).toEqual([...names].sort());
    const shaders = readdirSync(url('shaders/types/')).filter((name) => name.endsWith('.wgsl'));
    expect(shaders.map((name) => name.replace('.wgsl', '')).sort()).toEqual([...names].sort());
  });

  it('has each number and each name once, in order of numbers', () => {
    const ids = TYPES.map((type) => type.id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    expect(new Set(names).size).toBe(names.length);
  });

  it('names the types whose decoding has a product of its own', () => {
    const own = TYPES.filter((type) => type.ownDot !== undefined).map((type) => type.name.toLowerCase());
    const files = readdirSync(url('shaders/fusions/lib/')).flatMap((name) => /^dot_(.+)\.wgsl$/.exec(name)?.[1] ?? []);
    expect(files.filter((name) => name !== 'plain').sort()).toEqual([...own].sort());
  });
});

describe.each(TYPES.map((type) => [type.name, type] as const))('%s', (name, type) => {
  const { blockSize, typeSize, floats, firstBit, quantsAt, planes, columns, fallback, defects } = type;
  const floatBytesOfBlock = floats.flatMap((field) => floatBytes(field, 0).map(({ at }) => at));

  it('has its fields inside the block, and quants where no float lies', () => {
    const inside = [...floatBytesOfBlock, firstBit[0], ...(quantsAt === undefined ? [] : [quantsAt, quantsAt + 3])];
    for (const at of inside) expect(at).toBeLessThan(typeSize);
    expect(quantsAt === undefined).toBe(blockSize === 1);
    for (let i = 0; quantsAt !== undefined && i < 4; i++) expect(floatBytesOfBlock).not.toContain(quantsAt + i);
  });

  it('has planes that cover the block once', () => {
    const seen = new Array<number>(typeSize).fill(0);
    for (const { from, bytes, stride } of planes) {
      expect(stride).toBeGreaterThanOrEqual(bytes);
      for (let i = from; i < from + bytes; i++) seen[i] = (seen[i] ?? 0) + 1;
    }
    expect(seen).toEqual(new Array(typeSize).fill(1));
  });

  it('reads the columns that its shader includes', () => {
    const text = readFileSync(url(`shaders/types/${name.toLowerCase()}.wgsl`), 'utf8');
    expect(text).toContain(`#include "types/lib/columns_${columns}.wgsl"`);
    expect(existsSync(url(`shaders/types/lib/columns_${columns}.wgsl`))).toBe(true);
  });

  it('falls back to a type of smaller blocks that divide its own', () => {
    if (fallback === undefined) return;
    expect(blockSize % fallback.blockSize).toBe(0);
    expect(fallback.blockSize).toBeLessThan(blockSize);
  });

  it('has at least one defect', () => {
    expect(defects.length).toBeGreaterThan(0);
    expect(new Set(defects.map((defect) => defect.what)).size).toBe(defects.length);
  });
});

it('columns of each order are a permutation of a row', () => {
  for (const { chunks, column } of Object.values(COLUMNS)) {
    const vec4s = Array.from({ length: 256 / 4 }, (_, at) => {
      const unit = Math.floor(at / (8 * chunks));
      return column(unit, Math.floor(at / 8) % chunks, at % 8);
    });
    expect([...vec4s].sort((a, b) => a - b)).toEqual(vec4s.map((_, i) => i));
  }
});

it('finds a bit of a float wherever it lies', () => {
  expect(bitOf({ format: 'f16', at: 80 }, 9)).toEqual([81, 1]);
  expect(bitOf({ format: 'f16', at: [49, 51, 53, 55] }, 9)).toEqual([53, 5]);
  expect(floatBytes({ format: 'f16', at: [49, 51, 53, 55] }, 0x7c01)).toEqual([
    { at: 49, mask: 0xf0, set: 0x10 },
    { at: 51, mask: 0xf0, set: 0x00 },
    { at: 53, mask: 0xf0, set: 0xc0 },
    { at: 55, mask: 0xf0, set: 0x70 },
  ]);
});
