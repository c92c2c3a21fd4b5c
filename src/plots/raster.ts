/** Red, green, blue, 0-255. */
export type Rgb = readonly [number, number, number];

/** A drawing in device pixels, for figures with more marks than SVG should carry. RGBA, transparent at first. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
  /** The same pixels, one a word. */
  readonly words: Uint32Array<ArrayBuffer>;
}

export function createRaster(width: number, height: number): Raster {
  const w = Math.max(1, Math.round(width));
  const h = Math.max(1, Math.round(height));
  const data = new Uint8ClampedArray(w * h * 4);
  return { width: w, height: h, data, words: new Uint32Array(data.buffer) };
}

/** Fills [x0, x1) x [y0, y1), device pixels, clipped, opaque. */
export function fillRect(raster: Raster, x0: number, y0: number, x1: number, y1: number, colour: Rgb): void {
  const { width, words } = raster;
  const { left, right, top, bottom } = clip(raster, x0, y0, x1, y1);
  if (left >= right) return;
  const word = wordOf(colour);
  for (let y = top; y < bottom; y++) words.fill(word, y * width + left, y * width + right);
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
  const { width, words } = raster;
  const { left, right, top, bottom } = clip(raster, x0, y0, x1, y1);
  const half = Math.max(1, Math.round(period / 2.2));
  const [on, off] = [wordOf(stripe), wordOf(ground)];
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) words[y * width + x] = (x + y) % period < half ? on : off;
  }
}

function clip(
  { width, height }: Raster,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
): { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number } {
  return {
    left: Math.max(0, Math.round(x0)),
    right: Math.min(width, Math.round(x1)),
    top: Math.max(0, Math.round(y0)),
    bottom: Math.min(height, Math.round(y1)),
  };
}

const bytes = new Uint8Array(4);
const word = new Uint32Array(bytes.buffer);

/** Red, green, blue, opaque, as a word of the machine's byte order. */
function wordOf([r, g, b]: Rgb): number {
  bytes[0] = r;
  bytes[1] = g;
  bytes[2] = b;
  bytes[3] = 255;
  return word[0] ?? 0;
}
