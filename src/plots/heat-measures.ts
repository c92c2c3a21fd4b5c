import type { Row } from '../divergence/report';
import { COLOUR_DECADES, type Decades } from './colour';

/** What a cell of the heatmap can say of a row. */
interface MeasureSpec {
  readonly title: string;
  /** The fixed domain of its colours. */
  readonly decades: Decades;
  /** Powers of ten that the legend names. */
  readonly ticks: readonly number[];
  /** Beside the legend. */
  readonly note: string;
  /** Whether rows know it token by token. */
  readonly perToken: boolean;
  /** Only stages run alone have bounds. */
  readonly isolatedOnly: boolean;
  /** The row's own number, where nothing in it is NaN or infinite. */
  value(row: Row): number | undefined;
}

export const HEAT_MEASURES = [
  {
    id: 'relL2',
    title: 'relative L2',
    decades: COLOUR_DECADES,
    ticks: [-9, -6, -3, 0],
    note: 'relative L2, fixed scale',
    perToken: true,
    isolatedOnly: false,
    value: (row) => row.relL2 ?? jaccardDistance(row),
  },
  {
    id: 'ratio',
    title: 'error ÷ bound',
    decades: { from: -4, to: 1 },
    ticks: [-4, -2, 0],
    note: '1 is the bound, fixed scale',
    perToken: false,
    isolatedOnly: true,
    value: (row) => row.maxRatio,
  },
  {
    id: 'cosine',
    title: '1 − cosine',
    // Half the square of relative L2, down to what f64 still tells from 0.
    decades: { from: -16, to: 0 },
    ticks: [-16, -12, -8, -4, 0],
    note: '1 − cosine, fixed scale',
    perToken: false,
    isolatedOnly: false,
    value: (row) => (row.cosine === undefined ? jaccardDistance(row) : Math.max(0, 1 - row.cosine)),
  },
] as const satisfies readonly (MeasureSpec & { readonly id: string })[];

export type HeatMeasure = (typeof HEAT_MEASURES)[number]['id'];
export type HeatMeasureSpec = MeasureSpec & { readonly id: HeatMeasure };

export function heatMeasure(id: HeatMeasure): HeatMeasureSpec {
  return HEAT_MEASURES.find((measure) => measure.id === id) ?? HEAT_MEASURES[0];
}

/** Sets of experts differ by what they do not share. */
function jaccardDistance({ jaccard }: Row): number | undefined {
  return jaccard === undefined ? undefined : 1 - jaccard;
}
