import { CHOSEN_EXPERTS } from '../model/stage-roles';
import type { Flip, RoutingRow } from '../divergence/report';
import { visibleToken } from '../base/format';
import { routingIndex, rowIndex } from './trace-index';
import { firstPlace, type TraceView } from './trace-view';

/** Who chose an expert for a token. */
export type Choice = 'both' | 'only-a' | 'only-b';

export interface RoutingMark {
  readonly expert: number;
  readonly choice: Choice;
  /** Renormalised weight: the reference's where it chose the expert, otherwise the candidate's. NaN where the router is. */
  readonly weight: number;
}

export interface RoutingToken {
  readonly position: number;
  readonly text: string;
  readonly marks: readonly RoutingMark[];
  readonly flip: Flip | undefined;
  readonly margin: number | undefined;
}

/** One layer's choices, both engines, token by token. */
export interface RoutingData {
  readonly layer: number;
  readonly nExpert: number;
  readonly engines: readonly [string, string];
  readonly tokens: readonly RoutingToken[];
  /** Experts that only one engine chose, over all tokens. */
  readonly flippedExperts: number;
  readonly flippedTokens: number;
  /** The smallest margin of the layer and where. */
  readonly closest: { readonly position: number; readonly margin: number } | undefined;
}

/** The routing of a layer. Tokens without a captured choice are left out; undefined when the layer has none at all. */
export function selectRouting(view: TraceView, layer: number): RoutingData | undefined {
  const rows = routingIndex(view.routing).layer(layer);
  if (rows.length === 0) return undefined;
  const flips = flipsOf(view, layer);
  let closest: RoutingData['closest'];
  const tokens = rows.map((row): RoutingToken => {
    if (row.margin !== undefined && !(row.margin >= (closest?.margin ?? Infinity))) {
      closest = { position: row.position, margin: row.margin };
    }
    return {
      position: row.position,
      text: visibleToken(view.tokenTexts[row.position] ?? String(row.position)),
      marks: choiceMarks(row),
      flip: flips.get(row.position),
      margin: row.margin,
    };
  });
  const single = tokens.flatMap((t) => t.marks.filter((m) => m.choice !== 'both'));
  return {
    layer,
    nExpert: view.nExpert,
    engines: view.engines,
    tokens,
    flippedExperts: new Set(single.map((m) => m.expert)).size,
    flippedTokens: tokens.filter((t) => t.marks.some((m) => m.choice !== 'both')).length,
    closest,
  };
}

/** Who chose which experts for one token in one layer, by ascending expert. */
export function choiceMarks(row: RoutingRow): readonly RoutingMark[] {
  const inA = new Map(row.a?.experts.map((e, i) => [e, row.a?.weights[i] ?? NaN]));
  const inB = new Map(row.b?.experts.map((e, i) => [e, row.b?.weights[i] ?? NaN]));
  const oneSided = row.a === undefined || row.b === undefined;
  const marks = [...new Set([...inB.keys(), ...inA.keys()])].map((expert): RoutingMark => {
    const choice = oneSided || (inA.has(expert) && inB.has(expert)) ? 'both' : inA.has(expert) ? 'only-a' : 'only-b';
    return { expert, choice, weight: inB.get(expert) ?? inA.get(expert) ?? NaN };
  });
  return marks.sort((x, y) => x.expert - y.expert);
}

/** The layer whose routing is worth a look first: the first with a flip, then the verdict's, then the one with the closest choice. */
export function routingLayer(view: TraceView): number | undefined {
  const flipped = rowIndex(view.rows).flipped[0]?.layer;
  return flipped ?? firstPlace(view)?.layer ?? routingIndex(view.routing).closest?.layer;
}

/** The flips of a layer, by position. */
export function flipsOf(view: TraceView, layer: number): ReadonlyMap<number, Flip> {
  const row = rowIndex(view.rows).row('free', CHOSEN_EXPERTS, layer);
  return new Map((row?.flips ?? []).map((flip) => [flip.position, flip]));
}
