/** 3^n, for digit n of a byte. */
const POWERS = Uint8Array.of(1, 3, 9, 27, 81);

/**
 * Digit n (0 to 4) of a byte of TQ1_0: 0, 1 or 2. A byte holds five base-3 digits as a fraction of 256, the first the most significant: times
 * 3^n, in eight bits, brings digit n to the front, and another 3 carries it over.
 */
export function ternaryDigit(byte: number, n: number): number {
  return (((byte * POWERS[n]!) & 255) * 3) >> 8;
}
