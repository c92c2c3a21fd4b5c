import type { BaselineRow } from './baseline';
import type { MergedRun } from './merged-run';

/** Charts in one summary; what failed comes first. */
const MOST_CHARTS = 4;
/** Layers in one chart: more are grouped, so that the axis stays legible. */
const MOST_COLUMNS = 48;
/** Powers of ten that a chart shows: below lies rounding, above it matters no more how much. */
const FLOOR = -8;
const CEILING = 4;

/** Error by layer as Mermaid charts, which GitHub draws in job summaries: pictures without a file. */
export function charts(runs: readonly MergedRun[]): readonly string[] {
  const ended = runs.filter((run) => run.outcome !== undefined);
  const order = [...ended.filter((run) => run.status !== 'pass'), ...ended.filter((run) => run.status === 'pass')];
  return order.slice(0, MOST_CHARTS).flatMap((run) => {
    const chart = layerChart(run.id, run.outcome?.rows ?? []);
    return chart === undefined ? [] : [chart];
  });
}

/** The worst row of each layer: error / bound where rows have one, else relative L2. Undefined where nothing was measured. */
export function layerChart(id: string, rows: readonly BaselineRow[]): string | undefined {
  const byBound = rows.some((row) => row.maxRatio !== undefined);
  const worst = new Map<number, number>();
  for (const row of rows) {
    const value = byBound ? row.maxRatio : row.relL2;
    if (row.layer === undefined || value === undefined) continue;
    worst.set(row.layer, Math.max(worst.get(row.layer) ?? FLOOR, height(value)));
  }
  if (worst.size === 0) return undefined;
  const layers = [...worst.keys()].sort((x, y) => x - y);
  const step = Math.ceil(layers.length / MOST_COLUMNS);
  const columns = layers.filter((_, i) => i % step === 0);
  const heights = columns.map((_, i) =>
    Math.max(...layers.slice(i * step, (i + 1) * step).map((layer) => worst.get(layer) ?? FLOOR)),
  );
  const what = byBound ? 'error / bound' : 'relative L2';
  return [
    '```mermaid',
    'xychart-beta',
    `  title "${id}: worst ${what} by layer, power of ten"`,
    `  x-axis "layer" [${columns.join(', ')}]`,
    `  y-axis "log10" ${FLOOR} --> ${Math.max(1, ...heights.map(Math.ceil))}`,
    `  bar [${heights.map((h) => h.toFixed(2)).join(', ')}]`,
    ...(byBound ? [`  line [${columns.map(() => 0).join(', ')}]`] : []),
    '```',
    '',
  ].join('\n');
}

/** NaN and infinity reach the ceiling. */
function height(value: number): number {
  if (!Number.isFinite(value)) return CEILING;
  return Math.min(CEILING, Math.max(FLOOR, Math.log10(value)));
}
