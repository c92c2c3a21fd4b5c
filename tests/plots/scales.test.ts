import { interpolateCividis, rgb, scaleLog } from 'd3';
import { expect, test } from 'vitest';
import { COLOUR_DECADES, errorColour } from '../../src/plots/colour';
import { logScale } from '../../src/plots/log-scale';

test('the colours of errors are d3’s cividis over the fixed decades', () => {
  for (let i = 0; i <= 255; i++) {
    const t = i / 255;
    const { r, g, b } = rgb(interpolateCividis(t));
    const value = 10 ** (COLOUR_DECADES.from + t * (COLOUR_DECADES.to - COLOUR_DECADES.from));
    expect(errorColour(value)).toEqual([r, g, b]);
  }
});

test('the log axis is d3’s, clamped', () => {
  const ours = logScale([1e-9, 10], [200, 20]);
  const theirs = scaleLog().domain([1e-9, 10]).range([200, 20]).clamp(true);
  for (const value of [1e-45, 1e-9, 3.3e-7, 1e-4, 0.5, 1, 9.99, 10, 1e30]) {
    expect(ours(value)).toBeCloseTo(theirs(value), 9);
  }
});
