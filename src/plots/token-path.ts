import { formatMetric } from '../base/format';
import { labelledIndices } from './layer-axis';
import type { PathStep } from './select-path';
import { cut, group, linePath, svg, type SvgNode } from './svg';

export interface PathLayout {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly rowHeight: number;
  readonly cellWidth: number;
  readonly nExpert: number;
}

const MARGIN_COLUMN = 66;
/** Pixels from one line of small type to the next at least. */
const LABEL = 12;

/** Layer down, expert across; `rowHeight` may be given to stand beside another figure. */
export function pathLayout(steps: readonly PathStep[], nExpert: number, width: number): PathLayout {
  const left = 40;
  const cellWidth = Math.min(26, (width - left - MARGIN_COLUMN) / Math.max(1, nExpert));
  const rowHeight = Math.min(30, Math.max(9, 420 / Math.max(1, steps.length)));
  const top = 30;
  return {
    width: left + nExpert * cellWidth + MARGIN_COLUMN,
    height: top + steps.length * rowHeight + 6,
    left,
    right: left + nExpert * cellWidth,
    top,
    rowHeight,
    cellWidth,
    nExpert,
  };
}

/** Every expert that the token met, as large as its weight; a line joins the strongest; the margin of the choice beside each layer. */
export function tokenPath(steps: readonly PathStep[], layout: PathLayout, layer: number | undefined): SvgNode {
  const { width, height, left, right, top, rowHeight, cellWidth, nExpert } = layout;
  const x = (expert: number): number => left + (expert + 0.5) * cellWidth;
  const y = (row: number): number => top + (row + 0.5) * rowHeight;
  const experts = labelledIndices(nExpert, cellWidth, nExpert > 99 ? 26 : 20);
  const rows = new Set(labelledIndices(steps.length, rowHeight, LABEL));
  const margins = marginRows(steps, rowHeight, rows);
  const line = steps.map((step, i) =>
    step.strongest === undefined ? undefined : ([x(step.strongest), y(i)] as const),
  );
  return svg(
    'svg',
    { class: 'plot', viewBox: `0 0 ${String(width)} ${String(height)}`, width, height, 'aria-hidden': 'true' },
    svg('text', { x: left, y: 10, class: 'caption' }, 'expert'),
    svg('text', { x: width, y: 10, class: 'caption', 'text-anchor': 'end' }, 'margin'),
    group(
      'columns',
      experts.map((e) => svg('text', { x: x(e), y: top - 6, class: 'tick', 'text-anchor': 'middle' }, String(e))),
    ),
    group(
      'rows',
      steps.flatMap((step, i) => {
        const strong = step.layer === layer;
        const flipped = step.marks.some((mark) => mark.choice !== 'both');
        const name = strong ? 'tick strong' : 'tick';
        return [
          strong
            ? svg('rect', {
                x: left - 2,
                y: y(i) - rowHeight / 2,
                width: right - left + 4,
                height: rowHeight,
                class: 'selected-layer',
              })
            : undefined,
          svg('line', { x1: left, x2: right, y1: y(i), y2: y(i), class: 'grid' }),
          rows.has(i)
            ? svg('text', { x: left - 8, y: y(i) + 3.5, class: name, 'text-anchor': 'end' }, String(step.layer))
            : undefined,
          margins.has(i)
            ? svg(
                'text',
                { x: width, y: y(i) + 3.5, class: flipped ? 'flip-text' : 'tick', 'text-anchor': 'end' },
                formatMetric(step.margin),
              )
            : undefined,
        ];
      }),
    ),
    svg('path', { d: linePath(line), class: 'path-line' }),
    group(
      'marks',
      steps.flatMap((step, i) =>
        step.marks.map((mark) => {
          const r = cut(markRadius(mark.weight, layout));
          const [cx, cy] = [x(mark.expert), y(i)];
          if (mark.choice === 'both') return svg('circle', { cx, cy, r, class: 'chose-both' });
          if (mark.choice === 'only-b') return svg('circle', { cx, cy, r: Math.max(3, r), class: 'chose-b' });
          const d = Math.max(3, r);
          return svg('path', {
            d: `M${String(cx - d)} ${String(cy - d)}l${String(2 * d)} ${String(2 * d)}m0 ${String(-2 * d)}l${String(-2 * d)} ${String(2 * d)}`,
            class: 'chose-a',
          });
        }),
      ),
    ),
  );
}

/** Whose margins are written: flips first, then as the layers; none over another. */
function marginRows(steps: readonly PathStep[], rowHeight: number, rows: ReadonlySet<number>): ReadonlySet<number> {
  const written: number[] = [];
  const flips = steps.flatMap((step, i) => (step.marks.some((mark) => mark.choice !== 'both') ? [i] : []));
  for (const i of [...flips, ...rows]) {
    if (written.every((j) => j !== i && Math.abs(i - j) * rowHeight >= LABEL)) written.push(i);
  }
  return new Set(written);
}

/** Area by weight; a weight that is no number is drawn small. */
function markRadius(weight: number, { rowHeight, cellWidth }: PathLayout): number {
  const most = Math.min(8, rowHeight / 2 - 0.5, Math.max(3.6, cellWidth / 1.7));
  return Math.max(1.2, most * Math.sqrt(Number.isFinite(weight) ? Math.min(1, Math.max(0, weight)) : 0));
}

/** The layer under a pixel. */
export function pathStepAt(steps: readonly PathStep[], layout: PathLayout, y: number): PathStep | undefined {
  return steps[Math.floor((y - layout.top) / layout.rowHeight)];
}
