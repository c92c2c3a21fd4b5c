/** Device pixels a pixel of a raster; at most 3, beyond which nothing is seen. */
export function pixelRatio(): number {
  return Math.min(3, Math.max(1, window.devicePixelRatio));
}
