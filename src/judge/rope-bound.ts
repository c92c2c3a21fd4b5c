import type { Tap } from '../model/engine';
import type { HParams } from '../model/hparams';
import { UNIT } from '../base/f32-error';

/*
 * Engines compute the angles of RoPE for themselves: position times base^(-2i/d), by repeated multiplication in f32, then cosine and sine. The
 * reference's own bound takes both from a table, which only this program's kernels share.
 */

/** Roundings of the cosine, the sine, two products and a sum. */
const ROTATION_ROUNDINGS = 4;

/**
 * Largest error of rotated values: (|x0| + |x1|) (theta_i (3 i + 2) u + 4 u), theta_i = position base^(-2i/d). The angle errs by its 3 i + 2 roundings, and so do its
 * cosine and sine; the share of the math library is CHOSEN (measured 0.57 of the bound over 45 runs of llama.cpp's CPU back end, at u = 2^-24).
 * @param input what is rotated, (nTokens, heads, headDim), pairs i and i + headDim / 2
 */
export function rotationBound(input: Tap, { headDim, ropeTheta }: HParams): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  const bound = new Float32Array(input.data.length);
  const width = input.data.length / Math.max(1, input.positions.length);
  for (let at = 0; at < bound.length; at += headDim) {
    const position = input.positions[Math.floor(at / width)] ?? 0;
    for (let i = 0; i < half; i++) {
      const size = Math.abs(input.data[at + i] ?? NaN) + Math.abs(input.data[at + half + i] ?? NaN);
      const angle = position * ropeTheta ** ((-2 * i) / headDim);
      const most = size * UNIT * (angle * (3 * i + 2) + ROTATION_ROUNDINGS) * (1 + UNIT) + 2 ** -126;
      bound[at + i] = most;
      bound[at + half + i] = most;
    }
  }
  return bound;
}
