import { addBound } from '../add/bound';

/** Largest errors of {@link shift}: those of an addition. */
export function shiftBound(x: Float64Array, weight: Float32Array): Float64Array<ArrayBuffer> {
  return addBound(
    x,
    Float64Array.from(x, (_, i) => weight[i % weight.length]!),
  );
}
