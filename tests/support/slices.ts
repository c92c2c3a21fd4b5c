import { seededRandom } from '../../src/base/random';
import { sliceCaptures, type CaptureSlice } from '../../src/divergence/capture-slice';
import type { Capture } from '../../src/model/engine';

/** A slice of an expert's output as a run would give it: honest rounding everywhere, one slot wrong. Seeded. */
export function generateSlice(mode: CaptureSlice['mode'] = 'isolated'): CaptureSlice {
  const random = seededRandom(5);
  const shape = [1, 4, 64];
  const size = 4 * 64;
  const b = Float32Array.from({ length: size }, () => random.normal());
  const bound = Float32Array.from({ length: size }, () => 2e-5);
  const a = b.map((x, i) => (i >= 128 && i < 192 ? x + random.normal() : x + 3e-7 * random.normal()));
  a[7] = b[7] ?? 0;
  const captured = (data: Float32Array<ArrayBuffer>): Capture => ({
    stage: 'moe_expert_out',
    layer: 2,
    positions: [3],
    shape,
    data,
  });
  const indices: Capture = {
    stage: 'moe_router_indices',
    layer: 2,
    positions: [3],
    shape: [1, 4],
    data: Uint32Array.of(11, 3, 7, 0),
  };
  return sliceCaptures({ a: captured(a), b: { ...captured(b), bound }, indicesA: indices, indicesB: indices }, 3, mode);
}
