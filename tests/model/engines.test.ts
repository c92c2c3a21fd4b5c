import { expect, it } from 'vitest';
import { sidesOfRun, type RunEngineId } from '../../src/model/engines';

it.each<
  readonly [engines: readonly RunEngineId[], candidate: RunEngineId | undefined, reference: RunEngineId | undefined]
>([
  [['gpu', 'cpu'], 'gpu', 'cpu'],
  [['gpu', 'exact-gpu'], 'gpu', 'exact-gpu'],
  [['exact-gpu', 'cpu'], 'exact-gpu', 'cpu'],
  [['gpu', 'cpu-ggml'], 'gpu', 'cpu-ggml'],
  [['llama.cpp:cpu', 'cpu'], 'llama.cpp:cpu', 'cpu'],
  [['gpu'], 'gpu', undefined],
  [['exact-gpu'], 'exact-gpu', undefined],
  [['cpu'], undefined, 'cpu'],
])('the sides of %j', (engines, candidate, reference) => {
  expect(sidesOfRun(engines)).toEqual({ candidate, reference });
});
