import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { goldenModelPath } from '../support/golden';
import { runCliHere } from './cli-here';

vi.setConfig({ testTimeout: 120_000 });

const MINI = goldenModelPath('mini-q4_k_m');
const dump = (name: string): string =>
  fileURLToPath(new URL(`../golden/judge/mini-q4_k_m-${name}.npz`, import.meta.url));

test('names the first dump of a real llama.cpp that is wrong, and its tensor', async () => {
  const row = ['--good', dump('p12'), '--between', dump('p12-fa-f16'), '--between', dump('one-row-x1.2')];
  const { status, out } = await runCliHere('bisect', MINI, ...row, '--bad', dump('experts-swapped'), '--json', '-');
  expect(status).toBe(1);
  const found: unknown = JSON.parse(out);
  expect(found).toMatchObject({
    schema: 'moescope-bisect/1',
    lastGood: dump('p12-fa-f16'),
    firstBad: dump('one-row-x1.2'),
    first: { layer: 1, tensor: 'blk.1.ffn_down_exps.weight' },
  });
});

test.each([
  [['--good', dump('p12')], 'bisect needs --bad'],
  [['--good', dump('p12'), '--bad', dump('p12-fa-f16')], '--bad is right'],
  [['--good', dump('p12'), '--bad', 'nowhere'], 'nowhere cannot be read'],
  [['--good', dump('p12'), '--bad', dump('experts-swapped'), '--candidate', 'gpu'], 'not gpu'],
])('%j: %s', async (options, said) => {
  const { status, err } = await runCliHere('bisect', MINI, ...options);
  expect(status).toBe(2);
  expect(err).toContain(said);
});
