import { gatherBound, normaliseBound } from './bound';
import { gather, normalise } from './exact';
import { topK } from '../top-k/exact';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide } from '../../selftest/inputs';
import { laneWork, plainCase } from '../../selftest/one-kernel';
import type { CaseWork, SelftestCase } from '../../selftest/selftest-case';
import { AS_THEY_ARE, NORMALISE } from './kernel';

function normaliseCase(
  shape: string,
  nExpert: number,
  nUsed: number,
  values: () => Float32Array<ArrayBuffer>,
): SelftestCase {
  return plainCase(NORMALISE, `${nUsed} of ${nExpert} experts, ${shape}`, () => {
    const p = values();
    const tokens = p.length / nExpert;
    const indices = new Uint32Array(tokens * nUsed);
    for (let t = 0; t < tokens; t++) topK(wide(p), t * nExpert, nExpert, nUsed, indices, t * nUsed);
    return normaliseWork(p, indices, nExpert, nUsed, indices);
  });
}

/** @param read the experts that the kernel is to read where it is given others */
function normaliseWork(
  p: Float32Array<ArrayBuffer>,
  indices: Uint32Array<ArrayBuffer>,
  nExpert: number,
  nUsed: number,
  read: Uint32Array,
): CaseWork {
  const count = indices.length;
  const weights = new Float64Array(count);
  const bounds = new Float64Array(count);
  for (let t = 0; t < count / nUsed; t++) {
    normalise(wide(p), t * nExpert, read, t * nUsed, nUsed, weights, t * nUsed);
    normaliseBound(wide(p), t * nExpert, read, t * nUsed, nUsed, bounds, t * nUsed);
  }
  return laneWork({ p, indices }, 'weights', expectFloats(weights, bounds), { count, nExpert, nUsed }, count);
}

/** The values at the indices, not divided. */
function gatherCase(tokens: number, nExpert: number, nUsed: number): SelftestCase {
  const one = plainCase(NORMALISE, `${nUsed} of ${nExpert} experts, ${tokens} tokens, as they are`, () => {
    const p = inputValues('normal', tokens * nExpert, 14).map(Math.abs);
    const count = tokens * nUsed;
    const indices = new Uint32Array(count);
    const weights = new Float64Array(count);
    const bounds = new Float64Array(count);
    for (let t = 0; t < tokens; t++) {
      topK(wide(p), t * nExpert, nExpert, nUsed, indices, t * nUsed);
      gather(wide(p), t * nExpert, indices, t * nUsed, nUsed, weights, t * nUsed);
      gatherBound(wide(p), t * nExpert, indices, t * nUsed, nUsed, bounds, t * nUsed);
    }
    return laneWork({ p, indices }, 'weights', expectFloats(weights, bounds), { count, nExpert, nUsed }, count);
  });
  return { ...one, variant: AS_THEY_ARE };
}

export const NORMALISE_CASES: readonly SelftestCase[] = [
  normaliseCase('5 tokens', 10, 4, () => inputValues('normal', 50, 12).map(Math.abs)),
  normaliseCase('33 tokens', 3, 3, () => inputValues('normal', 99, 13).map(Math.abs)),
  normaliseCase('sum below 2^-14', 4, 2, () => Float32Array.of(2 ** -20, 2 ** -22, 0, 2 ** -21)),
  normaliseCase('all zero', 2, 1, () => new Float32Array(4)),
  gatherCase(33, 10, 4),
  plainCase(NORMALISE, 'an index beyond the experts stays inside the probabilities', () =>
    normaliseWork(Float32Array.of(0.25, 0.75), Uint32Array.of(0xffffffff, 0), 2, 2, Uint32Array.of(1, 0)),
  ),
];
