import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LAYER_WEIGHTS, STAGES } from '../../src/model/stages';

/*
 * A stage's id is its architecture's to say; others ask the graph. What else spells ids: names that other tools have for them, the parts
 * that stages play in every architecture, what a fault shows in, and how files lay them
 * out and laid them out before.
 */
const SPELLING = [
  'engine/llama-cpp/stage-of-node.ts',
  'gpu/faults/kernel-faults.ts',
  'model/faults.ts',
  'model/stage-roles.ts',
  'model/stages.ts',
  'regression/baseline-upgrade.ts',
  'trace/array-names.ts',
  'trace/filed-layout.ts',
];

const SRC = new URL('../../src/', import.meta.url);
/** Ids that are ordinary words (a fusion, a group of stages, a heading) or also names of weights count where other ids stand. */
const AMBIGUOUS = new Set(['attention', 'embedding', ...LAYER_WEIGHTS.map(({ role }) => role)]);

function spelled(file: string): readonly string[] {
  const code = readFileSync(new URL(file, SRC), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  return STAGES.map(({ id }) => id).filter((id) => new RegExp(`['"\`]${id}['"\`]|\\b${id}:`).test(code));
}

it('few files outside of the architectures spell the ids of stages', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'));
  const found = files
    .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('arch/'))
    .filter((file) => spelled(file).some((id) => !AMBIGUOUS.has(id)));
  expect(found.sort()).toEqual(SPELLING);
});

it('sees an id where one is spelled', () => {
  expect(spelled('arch/blocks.ts')).toEqual(expect.arrayContaining(['moe_router', 'q_proj', 'lm_head']));
  expect(spelled('base/errors.ts')).toEqual([]);
});
