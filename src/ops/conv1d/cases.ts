import { plural } from '../../base/format';
import { expectFloats } from '../../selftest/expected';
import { inputValues, wide, type InputKind } from '../../selftest/inputs';
import { KINDS, laneWork, plainCase } from '../../selftest/one-kernel';
import type { SelftestCase } from '../../selftest/selftest-case';
import { conv1dBound } from './bound';
import { conv1d, type Earlier } from './exact';
import { CONV1D } from './kernel';

interface ConvShape {
  readonly rows: number;
  readonly channels: number;
  readonly taps: number;
}

function convCase({ rows, channels, taps }: ConvShape, kind: InputKind): SelftestCase {
  return plainCase(CONV1D, `${plural(rows, 'token')} of ${channels} channels, ${taps} taps, ${kind}`, () => {
    const before = inputValues(kind, Math.max(1, (taps - 1) * channels), 1);
    const x = inputValues(kind, rows * channels, 2);
    const weight = inputValues(kind === 'subnormal' ? 'normal' : kind, channels * taps, 3);
    const all = wide([...before.subarray(0, (taps - 1) * channels), ...x]);
    const values = new Float64Array(rows * channels);
    const bounds = new Float64Array(rows * channels);
    for (let row = 0; row < rows; row++) {
      const earlier: Earlier = (back) => {
        const at = (taps - 1 + row - back) * channels;
        return all.subarray(at, at + channels);
      };
      conv1d(earlier, weight, channels, values, row * channels);
      bounds.set(conv1dBound(earlier, weight, channels), row * channels);
    }
    const params = { count: rows * channels, channels, taps };
    return laneWork({ x, before, weight }, 'y', expectFloats(values, bounds), params, rows * channels);
  });
}

/** Fewer tokens than the window, as many, and more. */
const SHAPES: readonly ConvShape[] = [
  { rows: 1, channels: 1, taps: 1 },
  { rows: 1, channels: 64, taps: 4 },
  { rows: 3, channels: 65, taps: 4 },
  { rows: 4, channels: 192, taps: 4 },
  { rows: 70, channels: 7, taps: 4 },
  { rows: 5, channels: 33, taps: 2 },
];

export const CONV1D_CASES: readonly SelftestCase[] = SHAPES.flatMap((shape) =>
  KINDS.map((kind) => convCase(shape, kind)),
);
