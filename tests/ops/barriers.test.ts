import { expect, it } from 'vitest';
import { shaderSource } from '../../src/gpu/shader-source';
import { editsFit, editedText } from '../../src/ops/defect';
import { SELFTEST_CASES } from '../../src/selftest/all-cases';
import { DEFECTS } from '../../src/selftest/defects';

const BARRIER = 'workgroupBarrier();';
const barriers = (text: string): number => text.split(BARRIER).length - 1;

const WITH_BARRIERS = [...new Set(SELFTEST_CASES.map(({ kernel }) => kernel))].flatMap((kernel) => {
  if (kernel.startsWith('fusions/') || kernel.startsWith('sampling/')) return [];
  const one = SELFTEST_CASES.find((c) => c.kernel === kernel);
  const text = one === undefined ? '' : shaderSource(one.spec.file, one.variant).code;
  return barriers(text) === 0 ? [] : [{ kernel, text }];
});

it.each(WITH_BARRIERS)('every barrier of $kernel is taken away by a defect', ({ kernel, text }) => {
  const without = DEFECTS.filter((d) => d.kernel === kernel && d.kind === 'barrier' && editsFit(text, d.edits)).map(
    ({ edits }) => editedText(text, edits),
  );
  // Each takes away one, and no two the same.
  expect(without.map(barriers)).toEqual(without.map(() => barriers(text) - 1));
  expect(new Set(without).size).toBe(barriers(text));
});
