import { evenRms, evenRmsAround, fillBytes, jittered, nearby, putF16, type FillBlock } from './fill';

/* The 8 scales and 8 minima of 6 bits of Q4_K and Q5_K: 12 bytes, the last four of each split over two bytes. */

/** Scale of group g (0-7). `p`: the first of the 12 bytes. */
export function scale6(bytes: Uint8Array, p: number, g: number): number {
  if (g < 4) return bytes[p + g]! & 63;
  return (bytes[p + g + 4]! & 15) | ((bytes[p + g - 4]! >> 6) << 4);
}

/** Minimum of group g. */
export function min6(bytes: Uint8Array, p: number, g: number): number {
  if (g < 4) return bytes[p + g + 4]! & 63;
  return (bytes[p + g + 4]! >> 4) | ((bytes[p + g]! >> 6) << 4);
}

function packScales6(bytes: Uint8Array, at: number, scales: readonly number[], minima: readonly number[]): void {
  for (let g = 0; g < 4; g++) {
    const [low, high] = [scales[g] ?? 0, scales[g + 4] ?? 0];
    const [lowMin, highMin] = [minima[g] ?? 0, minima[g + 4] ?? 0];
    bytes[at + g] = low | ((high >> 4) << 6);
    bytes[at + g + 4] = lowMin | ((highMin >> 4) << 6);
    bytes[at + g + 8] = (high & 15) | ((highMin & 15) << 4);
  }
}

/** A random block with quants 0..max and minima near the scales. */
export function superBlock6(typeSize: number, max: number): FillBlock {
  const unit = evenRmsAround(max) * evenRms(0, 63);
  return (bytes, at, rms, random) => {
    fillBytes(bytes, at, at + typeSize, random);
    const d = jittered(rms / unit, random);
    putF16(bytes, at, d);
    putF16(bytes, at + 2, (d * max) / 2);
    const scales = Array.from({ length: 8 }, () => random.below(64));
    const minima = scales.map((scale) => nearby(scale, 63, random));
    packScales6(bytes, at + 4, scales, minima);
  };
}
