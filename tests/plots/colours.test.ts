import { describe, expect, it } from 'vitest';
import { DARK_MAP, LIGHT_MAP, rgbOf, type MapTheme } from '../../src/plots/map/theme';

type Rgb = readonly [number, number, number];

/** `#rrggbb` in linear light. */
function linear(hex: string): Rgb {
  const [r, g, b] = rgbOf(hex).map((byte) => {
    const c = byte / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return [r ?? 0, g ?? 0, b ?? 0];
}

/** As somebody without green cones sees it: Machado, Oliveira and Fernandes 2009, severity 1. */
function deuteranope([r, g, b]: Rgb): Rgb {
  const within = (x: number): number => Math.min(1, Math.max(0, x));
  return [
    within(0.367322 * r + 0.860646 * g - 0.227968 * b),
    within(0.280085 * r + 0.672501 * g + 0.047413 * b),
    within(-0.01182 * r + 0.04294 * g + 0.968881 * b),
  ];
}

const luminance = ([r, g, b]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * b;

/** CIE L*a*b*, D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(luminance([r, g, b]));
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** How far two colours are apart for a deuteranope, in CIE 1976 units: 2.3 is just seen, 10 is seen at a glance. */
function apart(one: string, other: string): number {
  const [a, b] = [lab(deuteranope(linear(one))), lab(deuteranope(linear(other)))];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The contrast of WCAG 2, which knows light alone: what is left of a colour in greyscale. */
function contrast(one: string, other: string): number {
  const [a, b] = [luminance(linear(one)), luminance(linear(other))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const pairs = (xs: readonly string[], ys: readonly string[]) => xs.flatMap((x) => ys.map((y) => [x, y] as const));
const least = (of: typeof apart, xs: readonly string[], ys: readonly string[]): number =>
  Math.min(...pairs(xs, ys).map(([x, y]) => of(x, y)));
const steps = (xs: readonly string[]) => xs.slice(1).map((x, i) => [xs[i] ?? '', x] as const);

describe.each([
  ['light', LIGHT_MAP],
  ['dark', DARK_MAP],
])('the states of the map, %s', (_, theme: MapTheme) => {
  const quiet = theme.bins.slice(0, 6);
  const hot = theme.bins.slice(6);
  const { shadow, flip, paper } = theme;

  it('measures what it says: black on white is 21, red and green come together', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
    expect(apart('#b9770e', '#8f8a0f')).toBeLessThan(apart('#1f5fd0', '#b9770e'));
    expect(deuteranope(linear('#808080')).map((x) => x / linear('#808080')[0])).toEqual([
      expect.closeTo(1, 4),
      expect.closeTo(1, 4),
      expect.closeTo(1, 4),
    ]);
  });

  it('a deuteranope tells wrong from right, from the shadow and from the ground, and flips from all of them', () => {
    expect(least(apart, hot, [...quiet, ...shadow, paper])).toBeGreaterThan(25);
    expect(least(apart, [flip], [...quiet, ...shadow, ...hot, paper])).toBeGreaterThan(25);
    for (const [a, b] of steps(hot)) expect(apart(a, b), `${a} ${b}`).toBeGreaterThan(10);
  });

  it('in greyscale what is far above the bound stands out from all that is right', () => {
    expect(least(contrast, hot.slice(2), [...quiet, ...shadow])).toBeGreaterThan(1.5);
    expect(least(contrast, [flip], [...quiet, ...shadow])).toBeGreaterThan(3);
  });

  // What light alone does not tell apart has a cue besides its colour.
  it('in greyscale a ring in ink marks what is wrong by little: its fill alone would not', () => {
    expect(least(contrast, hot.slice(0, 2), [...quiet, ...shadow])).toBeLessThan(3);
    expect(least(contrast, [theme.ink], [...quiet, ...shadow, paper])).toBeGreaterThan(4.5);
  });

  it('the shadow has an edge that is seen on both of its sides: ramps of one lightness are hardly told apart', () => {
    expect(least(contrast, shadow, quiet)).toBeLessThan(1.5);
    expect(least(contrast, [theme.edge], [...quiet, ...shadow, paper])).toBeGreaterThan(1.5);
  });

  it('what is not finite is striped, and its stripes are seen without colour', () => {
    expect(contrast(...theme.stripe)).toBeGreaterThan(3);
  });

  it('what was not compared is no fill but a dashed outline, which is seen on the ground', () => {
    expect(contrast(theme.rule2, paper)).toBeGreaterThan(1.5);
  });
});
