import { logScale } from './log-scale';

/** The two ways of measuring an error that the figures offer. */
export type ErrorMetric = 'relL2' | 'ratio';

export interface MetricSpec {
  readonly id: ErrorMetric;
  readonly title: string;
  /** The fixed domain: never fitted to the data, so that two pictures can be laid side by side. */
  readonly domain: readonly [number, number];
  readonly tickExponents: readonly number[];
}

export const ERROR_METRICS = {
  relL2: { id: 'relL2', title: 'relative L2 to the reference', domain: [1e-9, 1e1], tickExponents: [-9, -6, -3, 0] },
  ratio: { id: 'ratio', title: 'error ÷ derived bound, isolated', domain: [1e-5, 1e7], tickExponents: [-3, 0, 3, 6] },
} as const satisfies Record<ErrorMetric, MetricSpec>;

/** Where a value is drawn: on the log axis, in the lane for exact zeros below it, or in the lane for what is not finite above. */
export type Place = 'value' | 'zero' | 'nonfinite';

export interface ErrorScale {
  readonly metric: MetricSpec;
  /** Pixels of the log axis: [domain end (top), domain start (bottom)]. */
  readonly range: readonly [number, number];
  readonly nonFiniteLane: readonly [number, number];
  readonly zeroLane: readonly [number, number];
  y(value: number): number;
}

const LANE = 16;
const LANE_GAP = 9;

/** A log scale of `height` pixels from `top`, lanes included. */
export function errorScale(id: ErrorMetric, top: number, height: number): ErrorScale {
  const metric = ERROR_METRICS[id];
  const axisTop = top + LANE + LANE_GAP;
  const axisBottom = top + height - LANE - LANE_GAP;
  const scale = logScale(metric.domain, [axisBottom, axisTop]);
  const nonFiniteLane = [top, top + LANE] as const;
  const zeroLane = [axisBottom + LANE_GAP, top + height] as const;
  return {
    metric,
    range: [axisTop, axisBottom],
    nonFiniteLane,
    zeroLane,
    y: (value) => {
      const place = placeOf(value);
      if (place === 'nonfinite') return (nonFiniteLane[0] + nonFiniteLane[1]) / 2;
      if (place === 'zero') return (zeroLane[0] + zeroLane[1]) / 2;
      return scale(value);
    },
  };
}

/** Which of the three places a measured value belongs to. */
export function placeOf(value: number): Place {
  if (!Number.isFinite(value)) return 'nonfinite';
  return value === 0 ? 'zero' : 'value';
}

/** The relative L2 below which a cosine limit can't be broken: |a-b| / |b| >= sin(angle between a and b). */
export function relL2OfCosine(cosine: number): number {
  return Math.sqrt(Math.max(0, 1 - cosine * cosine));
}
