import type { CompareMode, Row } from '../../divergence/report';
import { stageSpec } from '../../model/stages';
import { rowIndex } from '../trace-index';
import type { TraceView } from '../trace-view';

/** By what a judgement is shown: error over its bound, or relative L2 over the free-running limit. */
export type Unit = 'ratio' | 'l2';

/** The page's one measure: which error of a stage, and in which unit. Free-running errors have no bound, so they are in relative L2. */
export interface Measure {
  readonly basis: CompareMode;
  readonly unit: Unit;
}

/**
 * Where a value lies: 0 exact, 1 to 5 at or below the limit, 6 to 9 above it. `nonfinite`; `inherited` where it is not finite because its inputs
 * are not; a `flip` of an index stage, or nothing compared.
 */
export type Bin = number | 'nonfinite' | 'inherited' | 'flip' | undefined;

/** The first bin above the limit. */
export const FIRST_HOT = 6;

/** Upper edges of the bins: of error / bound, and of relative L2, whose last quiet edge is the limit itself. Fixed: never fitted to the data. */
const RATIO_QUIET = [1e-4, 1e-3, 1e-2, 1e-1, 1] as const;
const RATIO_HOT = [10, 1e3, 1e5] as const;
const L2_QUIET = [1e-7, 1e-6, 1e-5, 1e-3] as const;
const L2_HOT = [3, 10, 100] as const;

/** The smallest relative L2 at which a cosine can fall below the limit: 0.14 for 0.99. */
export function l2Limit(view: Pick<TraceView, 'limits'>): number {
  const { cosine } = view.limits;
  return Math.sqrt(Math.max(0, 1 - cosine * cosine));
}

/** The judgements that a trace allows, the one that decides first. */
export function basesOf(view: TraceView): readonly CompareMode[] {
  const { modes } = rowIndex(view.rows);
  return (['local', 'isolated', 'free'] as const).filter((mode) => modes.has(mode));
}

/** Whether any row of the basis was held against a bound. */
export function hasBounds(view: TraceView, basis: CompareMode): boolean {
  return basis !== 'free' && rowIndex(view.rows).bounded.has(basis);
}

/** A wish as part of a state in which what is not wished is undefined. */
export function wishOf(view: {
  readonly basis: CompareMode | undefined;
  readonly unit: Unit | undefined;
}): Partial<Measure> {
  return {
    ...(view.basis === undefined ? {} : { basis: view.basis }),
    ...(view.unit === undefined ? {} : { unit: view.unit }),
  };
}

/** What decided the verdict; a wish is kept as far as the trace allows it. */
export function measureOf(view: TraceView, wish: Partial<Measure> = {}): Measure {
  const bases = basesOf(view);
  const decided = [wish.basis, view.verdict?.first?.mode].find((basis) => basis !== undefined && bases.includes(basis));
  const basis = decided ?? bases[0] ?? 'free';
  const unit = hasBounds(view, basis) && wish.unit !== 'l2' ? 'ratio' : 'l2';
  return { basis, unit };
}

/** What a row says in this unit; undefined where nothing was compared. */
export function valueOf(row: Row | undefined, unit: Unit): number | undefined {
  if (row === undefined) return undefined;
  if ((row.nanA ?? 0) + (row.nanB ?? 0) > 0) return NaN;
  if ((row.infA ?? 0) + (row.infB ?? 0) > 0) return Infinity;
  if (row.count === 0) return undefined;
  return unit === 'ratio' ? row.maxRatio : row.relL2;
}

/** The same of one captured position; undefined where nothing of it was compared, or where the row keeps no figures by position. */
export function valueAtPosition(row: Row | undefined, unit: Unit, index: number): number | undefined {
  return (unit === 'ratio' ? row?.perPositionRatio : row?.perPosition)?.[index];
}

/** Whether the row can be drawn token by token. */
export function hasPositions(row: Row | undefined, unit: Unit): boolean {
  return (unit === 'ratio' ? row?.perPositionRatio : row?.perPosition) !== undefined;
}

/** @param limit of relative L2; error / bound has 1. */
export function binOf(value: number | undefined, unit: Unit, limit: number): Bin {
  if (value === undefined) return undefined;
  if (!Number.isFinite(value)) return 'nonfinite';
  if (value === 0) return 0;
  const quiet = unit === 'ratio' ? RATIO_QUIET : [...L2_QUIET, limit];
  const at = quiet.findIndex((edge) => value <= edge);
  if (at >= 0) return at + 1;
  const times = unit === 'ratio' ? value : value / limit;
  const hot = (unit === 'ratio' ? RATIO_HOT : L2_HOT).findIndex((edge) => times <= edge);
  return hot < 0 ? FIRST_HOT + 3 : FIRST_HOT + hot;
}

/** What is not finite in the row came with its inputs: exact arithmetic makes the same of them. Free-running rows have inputs of their own. */
export function isInherited(row: Row | undefined): boolean {
  return row !== undefined && row.mode !== 'free' && row.verdict === 'nan-both';
}

/** Of what is not finite by its inputs: the rest of its values. */
function inheritedBin(value: number | undefined, unit: Unit, limit: number): Bin {
  return unit === 'l2' || value === undefined || !Number.isFinite(value) ? 'inherited' : binOf(value, unit, limit);
}

/** The bin of a whole row. Chosen experts are equal or not. @param blamed for what it is by itself: where a file holds NaN, both sides have it */
export function binOfRow(row: Row | undefined, { unit }: Measure, limit: number, blamed = false): Bin {
  if (row === undefined) return undefined;
  if (!blamed && isInherited(row)) return inheritedBin(row.maxRatio, unit, limit);
  if (stageSpec(row.stage).values !== 'index') return binOf(valueOf(row, unit), unit, limit);
  if (row.count === 0) return undefined;
  return row.verdict === 'match' && (row.flips?.length ?? 0) === 0 ? 0 : 'flip';
}

/** The bin of one captured position of a row. */
export function binAtPosition(
  row: Row | undefined,
  { unit }: Measure,
  limit: number,
  index: number,
  blamed = false,
): Bin {
  if (row === undefined) return undefined;
  if (!blamed && isInherited(row)) return inheritedBin(valueAtPosition(row, unit, index), unit, limit);
  if (stageSpec(row.stage).values !== 'index') return binOf(valueAtPosition(row, unit, index), unit, limit);
  const distance = row.perPosition?.[index];
  return distance === undefined ? undefined : distance === 0 ? 0 : 'flip';
}

/** A value as multiples of its limit. */
export function timesLimit(value: number | undefined, unit: Unit, limit: number): number | undefined {
  return value === undefined || unit === 'ratio' ? value : value / limit;
}

export const isHot = (bin: Bin): boolean => bin === 'nonfinite' || (typeof bin === 'number' && bin >= FIRST_HOT);
