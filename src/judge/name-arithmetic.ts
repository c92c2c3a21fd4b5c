import type { StageId } from '../model/stages';
import type { ArithmeticId } from './arithmetics';
import type { LocalError } from './local-errors';

/** What an engine computes one kind of operation in. */
export interface NamedArithmetic {
  /** The operation of the stage table, `expert-matmul`. */
  readonly operation: string;
  readonly stage: StageId;
  /** The weight's type; empty where there is no weight. */
  readonly type: string;
  /** Undefined where none of the table explains it. */
  readonly arithmetic: ArithmeticId | undefined;
  /** Largest error over its bound, of the rows that it explains. */
  readonly worst: number;
  /** Rows of the kind, and how many the arithmetic explains. */
  readonly rows: number;
  readonly explained: number;
}

/** A stage that its sisters' arithmetic does not explain. */
export interface Unexplained {
  readonly error: LocalError;
  /** What its sisters compute in; undefined where none of them is explained. */
  readonly arithmetic: ArithmeticId | undefined;
  /** Its error over the bound of the coarsest arithmetic that there is: above 1 it is wrong in any. */
  readonly leastRatio: number;
}

export interface Naming {
  readonly arithmetics: readonly NamedArithmetic[];
  readonly unexplained: readonly Unexplained[];
  /** The arithmetic of each row that is explained. */
  readonly of: ReadonlyMap<LocalError, ArithmeticId>;
}

/**
 * Names, for each stage, whatever its weights' types, the most exact arithmetic that explains its layers. Layers of one stage run the same kernel, so that sisters
 * agree and a wrong tensor does not: an arithmetic that explains at least half of them is theirs where the others are far off, and those are what is wrong.
 * Where one lies just beyond the bound the arithmetic is a coarser one.
 */
export function nameArithmetics(
  errors: readonly LocalError[],
  kindOf: (error: LocalError) => { readonly operation: string; readonly type: string },
): Naming {
  const groups = new Map<string, Group>();
  for (const error of errors) {
    if (error.ratios.size === 0) continue;
    const kind = kindOf(error);
    const { stage } = error.row;
    // A layer may compute a stage by another operation than the next.
    const key = `${stage} ${kind.operation}`;
    const group = groups.get(key) ?? { operation: kind.operation, types: new Set(), stage, rows: [] };
    groups.set(key, group);
    group.types.add(kind.type);
    group.rows.push(error);
  }
  const of = new Map<LocalError, ArithmeticId>();
  const unexplained: Unexplained[] = [];
  const own = new Map([...groups.values()].map((group) => [group, chosenFor(group)] as const));
  const arithmetics = [...groups.values()].map((group): NamedArithmetic => {
    const { operation, stage, types, rows } = group;
    const chosen = heldToKin(group, own);
    const inside = chosen === undefined ? [] : rows.filter((row) => explains(row, chosen));
    for (const row of rows) {
      if (chosen !== undefined && inside.includes(row)) of.set(row, chosen);
      else unexplained.push({ error: row, arithmetic: chosen, leastRatio: least([...row.ratios.values()]) });
    }
    const worst =
      chosen === undefined ? 0 : inside.reduce((most, row) => Math.max(most, ratioWithin(row.ratios, chosen)), 0);
    return {
      operation,
      stage,
      type: [...types].sort().join('+'),
      arithmetic: chosen,
      worst,
      rows: rows.length,
      explained: inside.length,
    };
  });
  return { arithmetics, unexplained, of };
}

interface Group {
  readonly operation: string;
  readonly stage: StageId;
  readonly types: Set<string>;
  readonly rows: LocalError[];
}

/** CHOSEN: errors of sisters in one arithmetic differ by less (1.4 at most between layers of clean runs); a wrong tensor's is tens of times theirs. */
const SISTER_GAP = 4;

/** Whether an arithmetic explains at least half of the rows, and the others are no near misses. */
function isOf(rows: readonly LocalError[], id: ArithmeticId): boolean {
  const ratios = rows.map((row) => ratioWithin(row.ratios, id));
  const inside = ratios.filter((ratio) => ratio <= 1);
  const worst = inside.reduce((a, b) => Math.max(a, b), 0);
  return 2 * inside.length >= rows.length && ratios.every((ratio) => !(ratio > 1) || ratio > SISTER_GAP * worst);
}

/** The most exact arithmetic that explains a group. */
function chosenFor({ rows }: Group): ArithmeticId | undefined {
  return [...(rows[0]?.ratios.keys() ?? [])].find((id) => isOf(rows, id));
}

/**
 * The arithmetic of a group; of a product that only one place computes (the head), whose sisters it has not got, none that is coarser than what products
 * of several layers need: a coarser one would explain a wrong weight. Where it is a near miss of those it keeps its own.
 */
function heldToKin(group: Group, chosen: ReadonlyMap<Group, ArithmeticId | undefined>): ArithmeticId | undefined {
  const own = chosen.get(group);
  const [only, ...sisters] = group.rows;
  if (only === undefined || sisters.length > 0 || !isProduct(group)) return own;
  const kin = [...chosen].filter(([other, id]) => id !== undefined && other.rows.length > 1 && isProduct(other));
  const order = [...only.ratios.keys()];
  const most = Math.max(...kin.map(([, id]) => (id === undefined ? -1 : order.indexOf(id))));
  const coarsest = order[most];
  if (coarsest === undefined || (own !== undefined && order.indexOf(own) <= most)) return own;
  const worst = Math.max(...kin.flatMap(([{ rows }]) => rows.map(({ ratios }) => ratioWithin(ratios, coarsest))));
  return ratioWithin(only.ratios, coarsest) > SISTER_GAP * Math.min(1, worst) ? coarsest : own;
}

export function isProduct({ operation }: Pick<NamedArithmetic, 'operation'>): boolean {
  return operation.endsWith('matmul');
}

/** Within the bound of an arithmetic, or of a more exact one. */
function explains({ ratios }: LocalError, id: ArithmeticId): boolean {
  return ratioWithin(ratios, id) <= 1;
}

/** The error over the bound of an arithmetic: the least of it and of those that are more exact. NaN where nothing was measured. */
export function ratioWithin(ratios: LocalError['ratios'], id: ArithmeticId): number {
  const order = [...ratios.keys()];
  return least([...ratios.values()].slice(0, order.indexOf(id) + 1));
}

function least(ratios: readonly number[]): number {
  return ratios.reduce((a, b) => (Number.isNaN(a) || b < a ? b : a), NaN);
}
