import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adapterArithmetic, ARITHMETIC_QUESTIONS, arithmeticOf } from '../../src/gpu/adapter-arithmetic';
import type { GpuContext } from '../../src/gpu/device';
import { testContext } from '../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext();
});
afterAll(() => {
  context.dispose();
});

it('the software adapter rounds to nearest', async () => {
  const arithmetic = await adapterArithmetic(context);
  expect(arithmetic.rounding).toBe('nearest');
  expect(await adapterArithmetic(context)).toBe(arithmetic);
});

/** Sums and products by another arithmetic. */
function answers(round: (x: number) => number, read = (x: number): number => x): Float32Array {
  return Float32Array.from(
    ARITHMETIC_QUESTIONS.flatMap(([a, b]) => [round(read(a) + read(b)), round(read(a) * read(b))]),
  );
}

const flush = (x: number): number => (Math.abs(x) < 2 ** -126 ? 0 : x);
/** The f32 towards 0. */
function cut(x: number): number {
  const near = Math.fround(x);
  if (Math.abs(near) <= Math.abs(x)) return near;
  const word = new Uint32Array(Float32Array.of(near).buffer);
  word[0] = (word[0] ?? 0) - 1;
  return new Float32Array(word.buffer)[0] ?? NaN;
}

describe('what an adapter says is told from', () => {
  it.each([
    ['round to nearest, subnormals kept', answers(Math.fround), ['nearest', 'kept', 'kept']],
    ['results flushed', answers((x) => flush(Math.fround(x))), ['nearest', 'flushed', 'kept']],
    ['results and operands flushed', answers((x) => flush(Math.fround(x)), flush), ['nearest', 'flushed', 'flushed']],
    ['rounding to 0', answers(cut), ['other', 'kept', 'kept']],
    ['sums of 23 bits', answers((x) => 2 * Math.fround(x * 0.5 * (1 + 2 ** -23))), ['other', 'kept', 'kept']],
  ] as const)('%s', (_what, given, [rounding, subnormalResults, subnormalInputs]) => {
    expect(arithmeticOf(given)).toEqual({ rounding, subnormalResults, subnormalInputs });
  });
});
