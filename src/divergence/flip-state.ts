import type { JudgedFlip } from './compare-indices';

/** The flip that explains a position's free-running divergence downstream. */
export interface FlipCause {
  readonly layer: number;
  readonly position: number;
  readonly margin: number;
}

/**
 * Which positions have taken another path since a flip: free-running values there differ by right, not by fault. A flip at
 * (layer, position) reaches that position's later stages of the layer at once, and through attention every later position from the
 * next layer on.
 */
export interface FlipState {
  /** Of the positions flipped in earlier layers, the earliest, with every position after it. */
  readonly reach: FlipCause | undefined;
  /** Flipped in the current layer: applies after `moe_router_indices` to that position alone. */
  readonly here: ReadonlyMap<number, FlipCause>;
}

export const NO_FLIPS: FlipState = { reach: undefined, here: new Map() };

/** The state within a layer, once its choices are compared. */
export function withFlips(state: FlipState, layer: number, flips: readonly JudgedFlip[]): FlipState {
  const explained = flips.filter((f) => f.explained);
  return {
    reach: state.reach,
    here: new Map(explained.map((f) => [f.position, { layer, position: f.position, margin: f.margin }])),
  };
}

/** The state for the next layer. */
export function nextLayer(state: FlipState): FlipState {
  let reach = state.reach;
  for (const cause of state.here.values()) {
    if (reach === undefined || cause.position < reach.position) reach = cause;
  }
  return { reach, here: new Map() };
}

/** Why a position's values may differ, or undefined. `afterRouter`: the stage reads the chosen experts of this layer. */
export function causeAt(state: FlipState, position: number, afterRouter: boolean): FlipCause | undefined {
  if (state.reach !== undefined && position >= state.reach.position) return state.reach;
  return afterRouter ? state.here.get(position) : undefined;
}
