import type { Report, Row } from '../divergence/report';
import { SHARE_LIMITS } from './limits';
import { packView, viewJson, type SharedView } from './shared-view';
import type { ViewState } from './view-state';
import { without } from '../base/without';

/** Significant digits of what rides in a picture: more than any figure shows. */
const DIGITS = 4;

/** Reports pack to between a third and a sixth of their text: above this many times the limit there is no need to try. */
const BEST_RATIO = 8;

/** What is left out, one after the other, until the rider is small enough: the figures' own data last. */
const STEPS: readonly { readonly what: string; readonly slim: (report: Report) => Report }[] = [
  {
    what: 'the type of each tensor',
    slim: (report) => ({
      ...report,
      model: { ...report.model, tensors: without(report.model.tensors, 'types') },
    }),
  },
  {
    what: 'histograms and ranges',
    slim: mapRows((row) => without(row, 'ratios', 'rangeA', 'rangeB')),
  },
  { what: 'values that are not finite, beyond the first 200 tensors', slim: slimNonFinite },
  { what: 'routing where both engines agree', slim: slimRouting },
  { what: 'errors by token', slim: mapRows((row) => without(row, 'perPosition', 'perPositionRatio')) },
  { what: 'all routing', slim: (report) => ({ ...report, routing: [] }) },
  {
    what: 'flips by token',
    slim: mapRows((row) => (row.flips === undefined ? row : { ...row, flips: row.flips.slice(0, 8) })),
  },
  { what: 'texts of the tokens', slim: (report) => ({ ...report, run: { ...report.run, tokenTexts: [] } }) },
];

/** The report as it rides in a picture: rounded, and without what would make it too large. Says what was left out. */
export function slimView(report: Report, view: ViewState, limit: number = SHARE_LIMITS.riderBytes): SharedView {
  let slim = rounded(report);
  const leftOut: string[] = [];
  // Packing is slow where there is much to pack: it is tried only where it can succeed.
  let packed = viewJson({ report: slim, view, leftOut }).length / BEST_RATIO;
  for (const step of STEPS) {
    if (packed <= limit && packView({ report: slim, view, leftOut }).length <= limit) break;
    slim = step.slim(slim);
    leftOut.push(step.what);
    packed = viewJson({ report: slim, view, leftOut }).length / BEST_RATIO;
  }
  return { report: slim, view, leftOut };
}

/** Numbers of rows and routing to {@link DIGITS} significant digits. Cosines keep theirs: their news is in the last ones. */
function rounded(report: Report): Report {
  return {
    ...report,
    rows: report.rows.map((row) => {
      const short: Record<string, unknown> = {};
      for (const [key, value] of Object.entries(row)) short[key] = key === 'cosine' ? value : shorten(value);
      return { ...row, ...short };
    }),
    routing: report.routing.map((row) => ({
      ...row,
      ...(row.a === undefined ? {} : { a: { ...row.a, weights: row.a.weights.map(digits) } }),
      ...(row.b === undefined ? {} : { b: { ...row.b, weights: row.b.weights.map(digits) } }),
      ...(row.margin === undefined ? {} : { margin: digits(row.margin) }),
    })),
  };
}

function shorten(value: unknown): unknown {
  if (typeof value === 'number') return digits(value);
  if (!Array.isArray(value)) return value;
  return value.every((n) => typeof n === 'number' || n === undefined)
    ? value.map((n: number | undefined) => (n === undefined ? undefined : digits(n)))
    : value;
}

function digits(x: number): number {
  return Number.isFinite(x) && !Number.isInteger(x) ? Number(x.toPrecision(DIGITS)) : x;
}

function mapRows(change: (row: Row) => Row): (report: Report) => Report {
  return (report) => ({ ...report, rows: report.rows.map(change) });
}

function slimRouting(report: Report): Report {
  const flipped = new Set(
    report.rows.flatMap((row) => (row.flips ?? []).map((flip) => `${String(row.layer)}/${String(flip.position)}`)),
  );
  return {
    ...report,
    routing: report.routing.filter((row) => flipped.has(`${String(row.layer)}/${String(row.position)}`)),
  };
}

function slimNonFinite(report: Report): Report {
  if (report.poison === undefined) return report;
  const { a, b } = report.poison;
  return {
    ...report,
    poison: {
      ...(a === undefined ? {} : { a: { ...a, spread: a.spread.slice(0, 200) } }),
      ...(b === undefined ? {} : { b: { ...b, spread: b.spread.slice(0, 200) } }),
    },
  };
}
