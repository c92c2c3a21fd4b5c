import type { CompareMode, Row } from '../divergence/report';
import { formatCount, formatMetric, visibleToken } from '../base/format';
import { locationText } from '../model/location';
import { isBroken } from './row-verdict';
import { VERDICT_WORDS } from './select-table';
import type { Place } from './select-walk';
import { rowIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** One measured quantity of a place, as both ways of running see it. */
export interface DetailLine {
  readonly title: string;
  readonly free: string;
  readonly isolated: string;
  readonly bad: readonly CompareMode[];
}

/** Everything the report knows of one stage of one layer. */
export interface Detail {
  readonly heading: string;
  readonly lines: readonly DetailLine[];
  /** The named weight and its type, when this is the culprit. */
  readonly tensor: string | undefined;
  readonly worstToken: string | undefined;
}

/** The detail of a place; undefined where no row was reported. */
export function selectDetail(view: TraceView, place: Place): Detail | undefined {
  const rowOf = (mode: CompareMode): Row | undefined => rowIndex(view.rows).row(mode, place.stage, place.layer);
  const free = rowOf('free');
  const isolated = rowOf('isolated');
  if (free === undefined && isolated === undefined) return undefined;
  const line = (
    title: string,
    text: (row: Row) => string | undefined,
    bad: (row: Row) => boolean = () => false,
  ): DetailLine => ({
    title,
    free: (free === undefined ? undefined : text(free)) ?? '–',
    isolated: (isolated === undefined ? undefined : text(isolated)) ?? '–',
    bad: [
      ...(free !== undefined && bad(free) ? (['free'] as const) : []),
      ...(isolated !== undefined && bad(isolated) ? (['isolated'] as const) : []),
    ],
  });
  const number = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : formatMetric(value);
  const failing = (row: Row): boolean => row.verdict === 'diverge' || row.verdict.startsWith('nan');
  const lines = [
    line('verdict', (r) => VERDICT_WORDS[r.verdict], failing),
    line(
      'error ÷ bound',
      (r) => number(r.maxRatio),
      (r) => !((r.maxRatio ?? 0) <= view.limits.ratio),
    ),
    line('where', (r) => (r.maxRatio === undefined ? undefined : indexText(r.maxRatioIndex))),
    line('relative L2', (r) => number(r.relL2)),
    line(
      '1 − cosine',
      (r) => number(r.cosine === undefined ? undefined : Math.max(0, 1 - r.cosine)),
      (r) => r.mode === 'free' && r.cosine !== undefined && !(r.cosine >= view.limits.cosine),
    ),
    line(
      '1 − cosine, lowest',
      (r) => number(r.lowestCosine === undefined ? undefined : 1 - r.lowestCosine.value),
      (r) => r.lowestCosine !== undefined,
    ),
    line('largest error', (r) => number(r.maxAbs)),
    line('where', (r) => (r.maxAbs === undefined ? undefined : indexText(r.maxAbsIndex))),
    line('reference rms', (r) => number(r.rms)),
    line('worst token', (r) => (r.worstPosition === undefined ? undefined : tokenName(view, r.worstPosition))),
    line('NaN, Inf', (r) => nonFinite(r), isBroken),
    line('tokens rerouted', (r) =>
      r.flips === undefined ? undefined : `${String(r.flips.length)} of ${String(view.positions.length)}`,
    ),
    line('values compared', (r) => formatCount(r.count)),
  ].filter((l) => l.free !== '–' || l.isolated !== '–');
  const first = view.verdict?.first;
  const isFirst = first !== undefined && first.stage === place.stage && first.layer === place.layer;
  const atPosition = place.position === undefined ? '' : `, token ${String(place.position)}`;
  return {
    heading: `${locationText(place)}${atPosition}`,
    lines: withPosition(view, place, lines, free, isolated),
    tensor:
      isFirst && first.tensor !== undefined
        ? `${first.tensor}${first.qtype === undefined ? '' : ` (${first.qtype})`}`
        : undefined,
    worstToken: place.position === undefined ? undefined : tokenName(view, place.position),
  };
}

function withPosition(
  view: TraceView,
  place: Place,
  lines: readonly DetailLine[],
  free: Row | undefined,
  isolated: Row | undefined,
): readonly DetailLine[] {
  const index = place.position === undefined ? -1 : view.positions.indexOf(place.position);
  if (index < 0) return lines;
  const at = (row: Row | undefined): string => formatMetric(row?.perPosition?.[index]);
  const own = {
    title: `relative L2, token ${String(place.position)}`,
    free: at(free),
    isolated: at(isolated),
    bad: [],
  };
  const after = lines.findIndex((l) => l.title === 'relative L2') + 1;
  return after === 0 ? lines : [...lines.slice(0, after), own, ...lines.slice(after)];
}

function indexText(index: readonly number[] | undefined): string | undefined {
  return index === undefined ? undefined : `[${index.join(', ')}]`;
}

function tokenName(view: TraceView, position: number): string {
  const text = view.tokenTexts[position];
  return text === undefined ? String(position) : `${String(position)} ${visibleToken(text)}`;
}

function nonFinite(row: Row): string | undefined {
  if (row.nanA === undefined && row.infA === undefined) return undefined;
  const side = (nan = 0, inf = 0): string => (nan + inf === 0 ? 'none' : `${formatCount(nan)}, ${formatCount(inf)}`);
  const a = side(row.nanA, row.infA);
  const b = side(row.nanB, row.infB);
  return a === 'none' && b === 'none' ? 'none' : `${row.a} ${a}; ${row.b} ${b}`;
}
