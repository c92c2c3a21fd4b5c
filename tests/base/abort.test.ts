import { afterEach, beforeEach, expect, test } from 'vitest';
import { orCancelled, whenAborted } from '../../src/base/abort';

const warnings: string[] = [];
const keep = (warning: Error): void => {
  warnings.push(warning.name);
};
beforeEach(() => {
  warnings.length = 0;
  process.on('warning', keep);
});
afterEach(() => {
  process.off('warning', keep);
});

test('a signal that 200 wait for warns of nothing, and reaches each of them once', async () => {
  const controller = new AbortController();
  let reached = 0;
  const forget = Array.from({ length: 200 }, () => whenAborted(controller.signal, () => reached++));
  forget[7]?.();
  const never = new Promise<void>(() => undefined);
  const waits = Array.from({ length: 200 }, () => orCancelled(never, controller.signal));
  controller.abort();
  const ends = await Promise.allSettled(waits);
  expect(ends.every((end) => end.status === 'rejected')).toBe(true);
  expect(reached).toBe(199);
  // Warnings are sent on the next tick.
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(warnings).toEqual([]);
});

test('one who comes late is told at once, one who left is not told', () => {
  const controller = new AbortController();
  let told = 0;
  const react = (): void => {
    told++;
  };
  whenAborted(controller.signal, react)();
  controller.abort();
  expect(told).toBe(0);
  whenAborted(controller.signal, react);
  expect(told).toBe(1);
});
