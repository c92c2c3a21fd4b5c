import { createHash } from 'node:crypto';
import type { Capture } from '../../src/model/engine';

/** Hex digits of a hash: 48 bits tell a few thousand tensors apart. */
const DIGITS = 12;

/**
 * What other Math functions make of a tensor. In layer 2 of tiny-moe-6x16's p0 one swiglu of 7,168, -3.65e-7, lies so near the middle of two f32 that the
 * exp of Node 20 and that of Node 24 and Chromium, a f64 apart, round it to different sides.
 */
const SAME_BY_OTHER_MATH: Readonly<Record<string, string>> = { eeb5332a5ea4: 'b0d0cbb45b37' };

/**
 * A line a stage, a hash of each layer's captured bits: what an engine of fixed arithmetic must give again. Lines are in
 * forward order, so that the first one that changed says where.
 */
export function printBits(captures: readonly Capture[]): string {
  const lines = new Map<string, string[]>();
  for (const { stage, data } of captures) {
    const hash = createHash('sha256').update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const digits = hash.digest('hex').slice(0, DIGITS);
    lines.set(stage, [...(lines.get(stage) ?? []), SAME_BY_OTHER_MATH[digits] ?? digits]);
  }
  return [...lines].map(([stage, hashes]) => `${stage} ${hashes.join(' ')}\n`).join('');
}
