/** Summary of a tensor, accumulated in f64. A NaN makes min, max, mean and rms NaN: it never disappears. */
export interface CaptureStats {
  readonly count: number;
  readonly nan: number;
  readonly positiveInfinity: number;
  readonly negativeInfinity: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly rms: number;
}

/** Statistics of all elements. Of none: counts 0 and NaN for the rest. */
export function captureStats(data: Float32Array | Uint32Array): CaptureStats {
  let nan = 0;
  let positiveInfinity = 0;
  let negativeInfinity = 0;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let squares = 0;
  for (const x of data) {
    if (Number.isNaN(x)) nan++;
    if (x === Infinity) positiveInfinity++;
    if (x === -Infinity) negativeInfinity++;
    if (x < min) min = x;
    if (x > max) max = x;
    sum += x;
    squares += x * x;
  }
  const count = data.length;
  const hasNoExtremes = count === 0 || nan > 0;
  return {
    count,
    nan,
    positiveInfinity,
    negativeInfinity,
    min: hasNoExtremes ? NaN : min,
    max: hasNoExtremes ? NaN : max,
    mean: sum / count,
    rms: Math.sqrt(squares / count),
  };
}
