import type { RoutingRow } from '../divergence/report';
import type { LoadMap } from './load-map';
import { routingIndex } from './trace-index';
import { armTitle, type TraceView } from './trace-view';

/** How many of a layer's tokens chose each expert, on each arm. */
export interface LayerLoad {
  readonly tokens: number;
  /** (nExpert); undefined where the arm's choices were not captured. */
  readonly a: readonly number[] | undefined;
  readonly b: readonly number[] | undefined;
}

/** Layer by expert: who gets how many tokens. */
export interface LoadData {
  readonly layers: readonly number[];
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly arms: readonly [string, string];
  /** In the order of `layers`; undefined where a layer's routing was not captured. */
  readonly loads: readonly (LayerLoad | undefined)[];
  /** The arms that have loads: one column of the figure each, the reference first. */
  readonly sides: readonly ('a' | 'b')[];
}

const known = new WeakMap<readonly RoutingRow[], { readonly length: number; readonly load: LayerLoad }>();

export function selectLoad(view: TraceView): LoadData {
  const index = routingIndex(view.routing);
  const loads = view.layers.map((layer) => {
    const rows = index.layer(layer);
    if (rows.length === 0) return undefined;
    const cached = known.get(rows);
    // A layer's rows come at once, and only grow.
    if (cached?.length === rows.length) return cached.load;
    const load = loadOf(rows, view.nExpert);
    known.set(rows, { length: rows.length, load });
    return load;
  });
  const has = (side: 'a' | 'b'): boolean => loads.some((load) => load?.[side] !== undefined);
  return {
    layers: view.layers,
    nExpert: view.nExpert,
    nExpertUsed: view.nExpertUsed,
    arms: view.arms,
    loads,
    sides: (['b', 'a'] as const).filter(has),
  };
}

/** One map an arm, the reference first; where they differ is marked on the arm under test. */
export function loadMaps(data: LoadData): readonly LoadMap[] {
  return data.sides.map((side): LoadMap => {
    const shares = data.loads.map((load) => load?.[side]?.map((n) => n / load.tokens));
    const differs = (l: number, e: number): boolean => {
      const load = data.loads[l];
      return load?.a !== undefined && load.b !== undefined && load.a[e] !== load.b[e];
    };
    return {
      title: armTitle(data.arms[side === 'a' ? 0 : 1]),
      shares,
      ...(side === 'a' && data.sides.length > 1 ? { differs } : {}),
    };
  });
}

/** The fullest and the emptiest of it, in figures: how evenly the experts are used. */
export function loadSummary(data: LoadData): { readonly idle: number; readonly fullest: number } {
  let idle = 0;
  let fullest = 0;
  for (const load of data.loads) {
    const counts = load?.b ?? load?.a;
    if (load === undefined || counts === undefined) continue;
    for (const n of counts) {
      if (n === 0) idle++;
      fullest = Math.max(fullest, n / load.tokens);
    }
  }
  return { idle, fullest };
}

export function loadOf(rows: readonly RoutingRow[], nExpert: number): LayerLoad {
  const side = (arm: 'a' | 'b'): readonly number[] | undefined => {
    if (!rows.some((row) => row[arm] !== undefined)) return undefined;
    const counts = new Array<number>(nExpert).fill(0);
    for (const row of rows) for (const expert of row[arm]?.experts ?? []) counts[expert] = (counts[expert] ?? 0) + 1;
    return counts;
  };
  return { tokens: rows.length, a: side('a'), b: side('b') };
}
