import type { RopePairing } from '../../arch/operations';
import { pairSteps, type RopeTable } from './exact';
import { HALF_UNIT, UNIT } from '../../base/f32-error';
import { againstCapture, compose, FLUSH, inputError } from '../rounding';

/** Input and table rounded to f32; a product, a sum, and the reference's own f64. */
const RELATIVE = compose(HALF_UNIT, HALF_UNIT, UNIT, UNIT, UNIT);
/** Relative error of an angle made in f64 by another formula. */
const ANGLE = 2 ** -48;

/**
 * Largest errors of one head of {@link rope}: (|a cos| + |b sin|) times a few roundings. The kernel's tables are f32 roundings of f64 ones.
 * Channels that pass are rounded once.
 */
export function ropeBound(
  x: Float64Array,
  at: number,
  table: RopeTable,
  position: number,
  out: Float64Array,
  outAt: number,
  headDim = 2 * table.cos.length,
  pairing: RopePairing = 'neox',
): void {
  const half = table.cos.length;
  const { step, apart } = pairSteps({ pairing, dims: 2 * half });
  const { magnitude } = table;
  for (let i = 0; i < half; i++) {
    const pair = i * step;
    const a = x[at + pair]!;
    const b = x[at + pair + apart]!;
    const c = table.cos[i]!;
    const s = table.sin[i]!;
    const size = Math.abs(a) + Math.abs(b);
    const rest = size * magnitude * (position + 1) * ANGLE + (8 + 2 * size) * FLUSH;
    const first = Math.abs(a * c) + Math.abs(b * s);
    const second = Math.abs(a * s) + Math.abs(b * c);
    out[outAt + pair] = againstCapture(RELATIVE * first + rest, a * c - b * s);
    out[outAt + pair + apart] = againstCapture(RELATIVE * second + rest, a * s + b * c);
  }
  for (let i = 2 * half; i < headDim; i++) out[outAt + i] = againstCapture(inputError(x[at + i]!), x[at + i]!);
}
