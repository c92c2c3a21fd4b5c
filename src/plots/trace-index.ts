import { bothCaptured } from '../divergence/both-captured';
import type { CompareMode, RoutingRow, Row } from '../divergence/report';
import type { StageId } from '../model/stages';
import type { Log, RoutingLog, RowLog } from './row-log';
import { isFailing } from './row-verdict';

/** What the figures ask of a trace's rows, answered without a walk over all of them. */
export interface RowIndex {
  row(mode: CompareMode, stage: StageId, layer: number | undefined): Row | undefined;
  /** Ascending layers. */
  rows(mode: CompareMode, stage: StageId): readonly Row[];
  /** Stages that were reported as anything but not applicable. */
  readonly stages: ReadonlySet<StageId>;
  /** Free-running rows with flips, ascending layers. */
  readonly flipped: readonly Row[];
  /** The first row that is wrong by itself: an isolated one before a free-running one. */
  readonly failing: Row | undefined;
  /** Whether anything that was compared is no match. */
  readonly parted: boolean;
  /** The ways in which anything was compared, and those of them that have bounds. */
  readonly modes: ReadonlySet<CompareMode>;
  readonly bounded: ReadonlySet<CompareMode>;
  /** The last layer that any row is of; -1 without one. */
  readonly lastLayer: number;
}

/** The same for routing. */
export interface RoutingIndex {
  readonly layers: ReadonlySet<number>;
  /** Ascending positions. */
  layer(layer: number): readonly RoutingRow[];
  /** The choice with the smallest margin of all. */
  readonly closest: RoutingRow | undefined;
}

const rowIndices = new WeakMap<RowLog, GrowingRows>();
const routingIndices = new WeakMap<RoutingLog, GrowingRouting>();

/** The index of a log: what is new is taken in, what was there is not looked at again. */
export function rowIndex(rows: RowLog): RowIndex {
  return grown(rowIndices, rows, () => new GrowingRows());
}

/** See {@link rowIndex}. */
export function routingIndex(rows: RoutingLog): RoutingIndex {
  return grown(routingIndices, rows, () => new GrowingRouting());
}

interface Growing<T> {
  taken: number;
  add(item: T): void;
}

function grown<T, I extends Growing<T>>(cache: WeakMap<Log<T>, I>, log: Log<T>, make: () => I): I {
  let index = cache.get(log);
  if (index === undefined) {
    index = make();
    cache.set(log, index);
  }
  for (const item of log.from(index.taken)) index.add(item);
  index.taken = log.length;
  return index;
}

class GrowingRows implements RowIndex, Growing<Row> {
  taken = 0;
  parted = false;
  lastLayer = -1;
  readonly modes = new Set<CompareMode>();
  readonly bounded = new Set<CompareMode>();
  readonly stages = new Set<StageId>();
  readonly flipped: Row[] = [];
  readonly #byKey = new Map<string, Row>();
  readonly #byStage = new Map<string, Row[]>();
  #isolated: Row | undefined;
  #free: Row | undefined;

  get failing(): Row | undefined {
    return this.#isolated ?? this.#free;
  }

  row(mode: CompareMode, stage: StageId, layer: number | undefined): Row | undefined {
    return this.#byKey.get(`${mode} ${stage}@${String(layer)}`);
  }

  rows(mode: CompareMode, stage: StageId): readonly Row[] {
    return this.#byStage.get(`${mode} ${stage}`) ?? [];
  }

  add(row: Row): void {
    const { mode, stage, layer } = row;
    if (row.verdict !== 'not-applicable') this.stages.add(stage);
    if (row.count > 0) this.modes.add(mode);
    if (row.maxRatio !== undefined) this.bounded.add(mode);
    if (layer !== undefined) this.lastLayer = Math.max(this.lastLayer, layer);
    this.#byKey.set(`${mode} ${stage}@${String(layer)}`, row);
    const key = `${mode} ${stage}`;
    const list = this.#byStage.get(key);
    if (list === undefined) this.#byStage.set(key, [row]);
    else insert(list, row, (r) => r.layer ?? -1);
    if (mode === 'free' && layer !== undefined && (row.flips?.length ?? 0) > 0) {
      insert(this.flipped, row, (r) => r.layer ?? -1);
    }
    if (row.verdict !== 'match' && bothCaptured(row)) this.parted = true;
    if (!isFailing(row)) return;
    if (mode !== 'free') this.#isolated ??= row;
    else this.#free ??= row;
  }
}

class GrowingRouting implements RoutingIndex, Growing<RoutingRow> {
  taken = 0;
  closest: RoutingRow | undefined;
  readonly #byLayer = new Map<number, RoutingRow[]>();

  get layers(): ReadonlySet<number> {
    return new Set(this.#byLayer.keys());
  }

  layer(layer: number): readonly RoutingRow[] {
    return this.#byLayer.get(layer) ?? [];
  }

  add(row: RoutingRow): void {
    const list = this.#byLayer.get(row.layer);
    if (list === undefined) this.#byLayer.set(row.layer, [row]);
    else insert(list, row, (r) => r.position);
    if ((row.margin ?? Infinity) < (this.closest?.margin ?? Infinity)) this.closest = row;
  }
}

/** Rows come in order nearly always: a step from the end is as far as it usually goes. */
function insert<T>(sorted: T[], item: T, key: (item: T) => number): void {
  let at = sorted.length;
  while (at > 0) {
    const before = sorted[at - 1];
    if (before === undefined || key(before) <= key(item)) break;
    at--;
  }
  sorted.splice(at, 0, item);
}
