/** Device pixels a layout unit of a raster; at most 3, beyond which nothing is seen. */
export function pixelRatio(scale: number): number {
  return Math.min(3, Math.max(1, window.devicePixelRatio)) * scale;
}
