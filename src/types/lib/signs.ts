/** Eight signs of seven bits: bit j set makes value j negative, and bit 7 is such that their number is even. ggml's `ksigns_iq2xs`. */
export const EVEN_SIGNS = Uint8Array.from({ length: 128 }, (_, k) => k | (parity(k) << 7));

function parity(x: number): number {
  let odd = 0;
  for (let rest = x; rest !== 0; rest >>= 1) odd ^= rest & 1;
  return odd;
}
