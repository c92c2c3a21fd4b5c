/** A log axis, clamped at its ends: `domain` (positive) onto `range` (pixels). */
export function logScale(
  [low, high]: readonly [number, number],
  [from, to]: readonly [number, number],
): (value: number) => number {
  const start = Math.log(low);
  const span = Math.log(high) - start;
  return (value) => from + (to - from) * Math.min(1, Math.max(0, (Math.log(value) - start) / span));
}
