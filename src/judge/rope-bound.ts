import type { Capture } from '../model/engine';
import { pairSteps, ropeFrequencies, type RopeAttrs } from '../ops/rope/exact';
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
 * @param input what is rotated, (nTokens, heads, headDim)
 */
export function rotationBound(input: Capture, headDim: number, attrs: RopeAttrs): Float32Array<ArrayBuffer> {
  const half = attrs.dims / 2;
  const { frequencies, magnitude } = ropeFrequencies(attrs);
  const { step, apart } = pairSteps(attrs);
  const bound = new Float32Array(input.data.length);
  const width = input.data.length / Math.max(1, input.positions.length);
  for (let at = 0; at < bound.length; at += headDim) {
    const position = input.positions[Math.floor(at / width)] ?? 0;
    for (let i = 0; i < half; i++) {
      const first = at + i * step;
      const size = magnitude * (Math.abs(input.data[first] ?? NaN) + Math.abs(input.data[first + apart] ?? NaN));
      const angle = position * (frequencies[i] ?? NaN);
      const most = size * UNIT * (angle * (3 * i + 2) + ROTATION_ROUNDINGS) * (1 + UNIT) + 2 ** -126;
      bound[first] = most;
      bound[first + apart] = most;
    }
    // What passes is rounded once, where an engine keeps it in f32 at all.
    for (let i = attrs.dims; i < headDim; i++) bound[at + i] = Math.abs(input.data[at + i] ?? NaN) * UNIT + 2 ** -126;
  }
  return bound;
}
