/** Red, green, blue, 0-255. */
export type Rgb = readonly [number, number, number];

/** A fixed domain of colours, in powers of ten. Never fitted to the data. */
export interface Decades {
  readonly from: number;
  readonly to: number;
}

/** That of relative L2. */
export const COLOUR_DECADES: Decades = { from: -9, to: 0 };

const STEPS = 256;
const LOOKUP: readonly Rgb[] = Array.from({ length: STEPS }, (_, i) => cividis(i / (STEPS - 1)));

/**
 * Cividis (Nuñez, Anderton, Renslow 2018, doi:10.1371/journal.pone.0199239), made to look alike with and without colour blindness, as the
 * polynomials that d3-scale-chromatic fits to it; `t` from 0 to 1.
 */
function cividis(t: number): Rgb {
  const byte = (x: number): number => Math.min(255, Math.max(0, Math.round(x)));
  return [
    byte(-4.54 - t * (35.34 - t * (2381.73 - t * (6402.7 - t * (7024.72 - t * 2710.57))))),
    byte(32.49 + t * (170.73 + t * (52.82 - t * (131.46 - t * (176.58 - t * 67.37))))),
    byte(81.24 + t * (442.36 - t * (2482.43 - t * (6167.24 - t * (6614.94 - t * 2475.67))))),
  ];
}

/** The cividis colour of a positive finite error; values outside the domain take its end colours. */
export function errorColour(value: number, { from, to }: Decades = COLOUR_DECADES): Rgb {
  const t = (Math.log10(value) - from) / (to - from);
  const i = Math.round(Math.min(1, Math.max(0, t)) * (STEPS - 1));
  return LOOKUP[i] ?? [0, 0, 0];
}

/** Colours outside the scale; they follow the page's theme. */
export interface FigureTheme {
  /** "0, bit-exact". */
  readonly exact: Rgb;
  /** Not captured: a faint ground. */
  readonly blank: Rgb;
  /** Stripes of cells that are not finite, on `paper`. */
  readonly hatch: Rgb;
  readonly paper: Rgb;
  readonly ink: Rgb;
  /** Where the arms chose differently. */
  readonly flip: Rgb;
}

export const LIGHT_THEME: FigureTheme = {
  exact: [222, 229, 233],
  blank: [244, 241, 232],
  hatch: [157, 23, 77],
  paper: [251, 250, 246],
  ink: [29, 27, 24],
  flip: [109, 40, 217],
};

export const DARK_THEME: FigureTheme = {
  exact: [52, 60, 68],
  blank: [30, 32, 37],
  hatch: [251, 113, 163],
  paper: [21, 22, 26],
  ink: [236, 234, 228],
  flip: [196, 181, 253],
};

/** `from` at 0, `to` at 1. */
export function blend(from: Rgb, to: Rgb, t: number): Rgb {
  const mix = (i: 0 | 1 | 2): number => Math.round(from[i] + (to[i] - from[i]) * t);
  return [mix(0), mix(1), mix(2)];
}

/** `rgb(0, 34, 78)` */
export function cssColour([r, g, b]: Rgb): string {
  return `rgb(${String(r)}, ${String(g)}, ${String(b)})`;
}
