import { UNIT } from '../../base/f32-error';
import { FLUSH } from '../rounding';

/** Largest errors of dequantised rows: the reference's formula and a kernel's each round once (docs/numerics.md lists the types). */
export function rowsBound(values: Float64Array): Float64Array<ArrayBuffer> {
  return values.map((w) => (Number.isFinite(w) ? 2 * UNIT * Math.abs(w) + FLUSH : Infinity));
}
