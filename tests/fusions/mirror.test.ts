import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FUSIONS } from '../../src/fusions/fusions';
import { ROWS_FUSIONS } from '../../src/fusions/rows-fusions';

const names = (folder: string, isFolder: boolean): readonly string[] =>
  readdirSync(new URL(`../../${folder}/`, import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() === isFolder)
    .map(({ name }) => name);

const ALL = [...FUSIONS, ...ROWS_FUSIONS];
const SHADERS = names('shaders/fusions', false).filter((name) => name.endsWith('.wgsl'));
const FOLDERS = names('src/fusions', true);
const isOf = (fusion: string, file: string): boolean =>
  file.replace('.wgsl', '').startsWith(fusion.replaceAll('-', '_'));

it('every fusion has a folder, and every folder is a fusion', () => {
  expect(ALL.map(({ name }) => name).sort()).toEqual([...FOLDERS].sort());
});

it('every shader of shaders/fusions is a kernel of the fusion that it is named after', () => {
  const kernels = ALL.flatMap((fusion) => fusion.kernels.map(({ file }) => ({ fusion: fusion.name, file })));
  expect(kernels.filter(({ fusion, file }) => !isOf(fusion, file.replace('fusions/', '')))).toEqual([]);
  expect(kernels.map(({ file }) => file.replace('fusions/', '')).sort()).toEqual([...SHADERS].sort());
});
