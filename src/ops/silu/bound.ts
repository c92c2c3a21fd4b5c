import { swigluBound } from '../swiglu/bound';

/** Largest errors of {@link silu}: SwiGLU's with nothing behind the gate. */
export function siluBound(x: Float64Array): Float64Array<ArrayBuffer> {
  return swigluBound(x, new Float64Array(x.length).fill(1));
}
