import { without } from '../base/without';
import { partsOf, STAGES, type StageId } from '../model/stages';
import { BASELINE_SCHEMA, type Baseline, type BaselineRow, type StageLimit } from './baseline';

/** Baselines of 0.1: queries, keys and values were one stage there. */
export const BASELINE_SCHEMA_1 = 'moescope-baseline/1';

/** Members that the reader has looked at; stages may be any words. */
export type BaselineOfAnySchema = Omit<Baseline, 'schema'>;

/**
 * A baseline of schema 1 as one of schema 2. A row of a joined stage becomes a row of each of its parts, without bits: those are of all parts
 * together. Such rows, and those whose values had another order, are held to their stage's limits, on any adapter.
 */
export function upgradeBaseline(old: BaselineOfAnySchema): Baseline {
  return {
    ...old,
    schema: BASELINE_SCHEMA,
    run: { ...old.run, stages: old.run.stages.flatMap(partsIfKnown) },
    limits: old.limits.flatMap(limitsOfParts),
    rows: old.rows.flatMap(rowsOfParts),
  };
}

/** Their values were in another order, heads before tokens, and so their bits are others. */
const OTHER_ORDER: readonly StageId[] = ['attn_scores', 'attn_softmax'];

function rowsOfParts(row: BaselineRow): readonly BaselineRow[] {
  const parts = partsIfKnown(row.stage);
  if (parts.length === 1 && !OTHER_ORDER.includes(row.stage)) return [row];
  return parts.map((stage) => ({ ...without(row, 'bits'), stage }));
}

function limitsOfParts(limit: StageLimit): readonly StageLimit[] {
  const parts = partsIfKnown(limit.stage);
  if (parts.length === 1) return [limit];
  return parts.map((stage) => ({ ...limit, stage, reason: `${limit.reason} (of ${limit.stage})` }));
}

function partsIfKnown(stage: StageId): readonly StageId[] {
  return STAGES.some(({ id }) => id === stage) ? partsOf(stage) : [stage];
}
