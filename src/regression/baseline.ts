import type { AdapterCard, CompareMode, Report, Row, RowVerdict } from '../divergence/report';
import type { StageId } from '../model/stages';

/** Additive changes keep the number; a change of meaning raises it and gets an upgrader (`baseline-upgrade.ts`). */
export const BASELINE_SCHEMA = 'moescope-baseline/2';

/** What tells one adapter from another: the same five words give the same bits. */
export type AdapterName = Pick<AdapterCard, 'vendor' | 'architecture' | 'device' | 'description' | 'isSoftware'>;

/** One accepted comparison. */
export interface BaselineRow {
  readonly mode: CompareMode;
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly verdict: RowVerdict;
  /** Values of the candidate, bit for bit. Absent where an older baseline had the stage joined with others, or in another order. */
  readonly bits?: string;
  readonly relL2?: number;
  readonly maxRatio?: number;
  /** Values that are not finite. */
  readonly bad: number;
  /** Flips, as `position:+only a-only b`. */
  readonly flips: readonly string[];
}

/** How far a stage may move on another adapter, and why. People may tighten or widen it. */
export interface StageLimit {
  readonly stage: StageId;
  readonly mode: CompareMode;
  readonly metric: 'relL2' | 'maxRatio';
  readonly limit: number;
  readonly reason: string;
}

/** An accepted run. A text file that a person reviews: one line a row. */
export interface Baseline {
  readonly schema: typeof BASELINE_SCHEMA;
  readonly created: string;
  readonly tool: { readonly name: string; readonly version: string; readonly commit: string };
  readonly model: { readonly name: string; readonly headerSha256: string; readonly quant: string };
  readonly run: Pick<Report['run'], 'tokens' | 'positions' | 'stages' | 'layers' | 'mode' | 'arms' | 'routing'>;
  readonly runtime: Report['runtime'];
  /** Absent where no GPU took part. */
  readonly adapter?: AdapterName;
  readonly limits: readonly StageLimit[];
  /** Forward order, free-running before isolated. */
  readonly rows: readonly BaselineRow[];
}

/**
 * Another adapter may add in another order, which changes rounding by a small factor and never by a power of ten; what accumulates over the
 * layers of a free run grows by the same factor.
 */
const FREE_FACTOR = 8;
/** Below this a free-running error is all rounding of the capture and of a few operations: 8 half units. */
const FREE_FLOOR = 2 ** -21;

/** The baseline that a run makes when it is accepted. @param limits kept from an older one, where people set them */
export function makeBaseline(report: Report, limits: readonly StageLimit[] = []): Baseline {
  const { tokens, positions, stages, layers, mode, arms: engines, routing } = report.run;
  const kept = new Map(limits.map((limit) => [limitKey(limit), limit]));
  const { adapter } = report;
  return {
    schema: BASELINE_SCHEMA,
    created: report.created,
    tool: report.tool,
    model: { name: report.model.name, headerSha256: report.model.headerSha256, quant: report.model.quant },
    run: { tokens, positions, stages, layers, mode, arms: engines, ...(routing === undefined ? {} : { routing }) },
    runtime: report.runtime,
    ...(adapter === undefined ? {} : { adapter: adapterName(adapter) }),
    limits: defaultLimits(report.rows).map((limit) => kept.get(limitKey(limit)) ?? limit),
    rows: report.rows.map(baselineRow),
  };
}

export function adapterName({ vendor, architecture, device, description, isSoftware }: AdapterCard): AdapterName {
  return { vendor, architecture, device, description, isSoftware };
}

export function baselineRow(row: Row): BaselineRow {
  return {
    mode: row.mode,
    layer: row.layer,
    stage: row.stage,
    verdict: row.verdict,
    ...(row.bitsA === undefined ? {} : { bits: row.bitsA }),
    ...(row.relL2 === undefined ? {} : { relL2: row.relL2 }),
    ...(row.maxRatio === undefined ? {} : { maxRatio: row.maxRatio }),
    bad: (row.nanA ?? 0) + (row.infA ?? 0),
    flips: (row.flips ?? []).map((flip) => `${flip.position}:+${flip.onlyA.join('+')}-${flip.onlyB.join('-')}`),
  };
}

export function limitKey({ stage, mode }: Pick<StageLimit, 'stage' | 'mode'>): string {
  return `${mode} ${stage}`;
}

/** `layer 2 moe_router free`: names a row within its run. */
export function inPlace({ mode, layer, stage }: Pick<BaselineRow, 'mode' | 'layer' | 'stage'>): string {
  return `${layer === undefined ? stage : `layer ${layer} ${stage}`} ${mode}`;
}

/** One limit a stage and mode: the derived bound where there is one, else a factor over the worst accepted layer. */
function defaultLimits(rows: readonly Row[]): readonly StageLimit[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    if (row.relL2 === undefined) continue;
    const key = limitKey(row);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((group): StageLimit[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { stage, mode } = first;
    if (group.some((row) => row.maxRatio !== undefined)) {
      const reason = 'derived: an honest f32 kernel fed the same input stays within its bound';
      return [{ stage, mode, metric: 'maxRatio', limit: 1, reason }];
    }
    const matching = group.filter((row) => row.verdict === 'match').map((row) => row.relL2 ?? 0);
    const worst = Math.max(FREE_FLOOR, ...matching.filter(Number.isFinite));
    const limit = Number((FREE_FACTOR * worst).toPrecision(2));
    return [
      {
        stage,
        mode,
        metric: 'relL2',
        limit,
        reason: `${FREE_FACTOR} x the worst accepted layer: another order of sums`,
      },
    ];
  });
}
