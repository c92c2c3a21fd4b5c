import type { Rgb } from './colour';

/** A drawing in device pixels, for figures with more marks than SVG should carry. RGBA, transparent at first. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

export function createRaster(width: number, height: number): Raster {
  const w = Math.max(1, Math.round(width));
  const h = Math.max(1, Math.round(height));
  return { width: w, height: h, data: new Uint8ClampedArray(w * h * 4) };
}

/** Fills [x0, x1) x [y0, y1), device pixels, clipped; `alpha` 0-1 replaces what is there. */
export function fillRect(raster: Raster, x0: number, y0: number, x1: number, y1: number, colour: Rgb, alpha = 1): void {
  paintRect(raster, x0, y0, x1, y1, () => colour, alpha);
}

/** As {@link fillRect}, with diagonal stripes `period` pixels apart: cells that hold no finite number. */
export function hatchRect(
  raster: Raster,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  stripe: Rgb,
  ground: Rgb,
  period: number,
): void {
  const half = Math.max(1, Math.round(period / 2.2));
  paintRect(raster, x0, y0, x1, y1, (x, y) => ((x + y) % period < half ? stripe : ground), 1);
}

function paintRect(
  raster: Raster,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  colourAt: (x: number, y: number) => Rgb,
  alpha: number,
): void {
  const { width, height, data } = raster;
  const left = Math.max(0, Math.round(x0));
  const right = Math.min(width, Math.round(x1));
  const bottom = Math.min(height, Math.round(y1));
  const a = Math.round(alpha * 255);
  for (let y = Math.max(0, Math.round(y0)); y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const colour = colourAt(x, y);
      const i = (y * width + x) * 4;
      data[i] = colour[0];
      data[i + 1] = colour[1];
      data[i + 2] = colour[2];
      data[i + 3] = a;
    }
  }
}
