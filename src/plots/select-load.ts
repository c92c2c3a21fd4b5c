import type { RoutingRow } from '../divergence/report';
import { routingIndex } from './trace-index';
import type { TraceView } from './trace-view';

/** How many of a layer's tokens chose each expert, on each side. */
export interface LayerLoad {
  readonly tokens: number;
  /** (nExpert); undefined where the side's choices were not captured. */
  readonly a: readonly number[] | undefined;
  readonly b: readonly number[] | undefined;
}

/** Layer by expert: who gets how many tokens. */
export interface LoadData {
  readonly layers: readonly number[];
  readonly nExpert: number;
  /** In the order of `layers`; undefined where a layer's routing was not captured. */
  readonly loads: readonly (LayerLoad | undefined)[];
  /** The sides that have loads, the reference first. */
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
    loads,
    sides: (['b', 'a'] as const).filter(has),
  };
}

/** A side is counted when it is asked for: a figure shows one of them. */
export function loadOf(rows: readonly RoutingRow[], nExpert: number): LayerLoad {
  const counted = new Map<'a' | 'b', readonly number[] | undefined>();
  const side = (which: 'a' | 'b'): readonly number[] | undefined => {
    if (!counted.has(which)) counted.set(which, countsOf(rows, which, nExpert));
    return counted.get(which);
  };
  return {
    tokens: rows.length,
    get a() {
      return side('a');
    },
    get b() {
      return side('b');
    },
  };
}

function countsOf(rows: readonly RoutingRow[], which: 'a' | 'b', nExpert: number): readonly number[] | undefined {
  if (!rows.some((row) => row[which] !== undefined)) return undefined;
  const counts = new Array<number>(nExpert).fill(0);
  for (const row of rows) for (const expert of row[which]?.experts ?? []) counts[expert] = (counts[expert] ?? 0) + 1;
  return counts;
}
