import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { OpName } from '../../src/arch/operations';

const FILES = readdirSync(new URL('../../shaders/ops/', import.meta.url));

/** Every operation, as `shaders/ops` spells it. */
const OPS = Object.keys({
  rows: true,
  rmsnorm: true,
  linear: true,
  'expert-linear': true,
  'head-linear': true,
  rope: true,
  'attention-scores': true,
  softmax: true,
  'attention-values': true,
  'top-k': true,
  'group-scores': true,
  normalise: true,
  swiglu: true,
  'swiglu-clamped': true,
  'weighted-sum': true,
  add: true,
  multiply: true,
  scale: true,
  shift: true,
  sigmoid: true,
  silu: true,
  softplus: true,
  gain: true,
  slice: true,
  concat: true,
  l2norm: true,
  conv1d: true,
  'delta-rule': true,
  'delta-read': true,
} satisfies Record<OpName, true>).map((op) => op.replaceAll('-', '_'));

const isOf = (op: string, file: string): boolean => file === `${op}.wgsl` || file.startsWith(`${op}_`);

it('every shader of shaders/ops belongs to an operation', () => {
  expect(FILES.filter((file) => !file.endsWith('.wgsl') || !OPS.some((op) => isOf(op, file)))).toEqual([]);
});

/** Operations that multiply by another's kernels. */
const BORROWS = ['head_linear'];

it('every operation has a shader', () => {
  expect(OPS.filter((op) => !FILES.some((file) => isOf(op, file)))).toEqual(BORROWS);
});
