import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import { IQ1_GRID } from '../../src/types/lib/grids/iq1';
import { IQ2_S_GRID } from '../../src/types/lib/grids/iq2_s';
import { IQ2_XS_GRID } from '../../src/types/lib/grids/iq2_xs';
import { IQ2_XXS_GRID } from '../../src/types/lib/grids/iq2_xxs';
import { IQ3_S_GRID } from '../../src/types/lib/grids/iq3_s';
import { IQ3_XXS_GRID } from '../../src/types/lib/grids/iq3_xxs';
import { isQuantType, typeOf } from '../../src/types/types';

const file = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../golden/types/${path}`, import.meta.url)));

/*
 * 96 blocks of each type and their float32 values as llama.cpp's library dequantises them: 64 that it quantised itself, 32 of random bits, among
 * them negative, subnormal and zero scales (tests/golden/README.md).
 */
describe('dequantised blocks have the bits of ggml', () => {
  const files = unzipSync(file('blocks.zip'));
  const names = Object.keys(files).flatMap((name) => (name.endsWith('.bin') ? [name.replace('.bin', '')] : []));

  it('are there for twelve types', () => {
    expect(names).toHaveLength(12);
  });

  it.each(names)('%s', (name) => {
    const type = name.toUpperCase();
    if (!isQuantType(type)) throw new Error(`no type ${type}`);
    const expected = new Uint32Array(files[`${name}.f32`]?.slice().buffer ?? new ArrayBuffer(0));
    expect(expected).toHaveLength(96 * typeOf(type).blockSize);
    const values = new Float32Array(expected.length);
    dequantizeRows(type, files[`${name}.bin`] ?? new Uint8Array(), 0, values, 0, values.length);
    const bits = new Uint32Array(values.buffer);
    expect(bits.findIndex((word, i) => word !== expected[i])).toBe(-1);
  });
});

describe.each([
  ['iq2_xxs', 'iq2_xxs', IQ2_XXS_GRID],
  ['iq2_xs', 'iq2_xs', IQ2_XS_GRID],
  ['iq2_s', 'iq2_s', IQ2_S_GRID],
  ['iq3_xxs', 'iq3_xxs', IQ3_XXS_GRID],
  ['iq3_s', 'iq3_s', IQ3_S_GRID],
  ['iq1', 'iq1_s', IQ1_GRID],
] as const)('the grid of %s', (name, golden, grid) => {
  it("is the library's, value for value", () => {
    expect([...grid.entries]).toEqual([...new Int8Array(file(`grids/grid-${golden}.bin`).slice().buffer)]);
  });

  it('is the table of its shader, two rows a word', () => {
    const text = readFileSync(new URL(`../../shaders/types/lib/grid_${name}.wgsl`, import.meta.url), 'utf8');
    const words = [...text.matchAll(/0x([0-9a-f]{8})u/g)].map(([, hex = '']) => parseInt(hex, 16));
    expect(text).toContain(`const GRID_WORDS = ${grid.rows / 2}u;`);
    expect(words.flatMap((word) => [word & 0xffff, word >>> 16])).toEqual([...grid.codes]);
  });
});
