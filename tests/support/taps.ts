import type { Tap } from '../../src/model/engine';
import { locationKey } from '../../src/model/location';
import type { StageId } from '../../src/model/stages';
import type { Trace } from '../../src/trace/trace';

/** A tap from plain numbers. Positions count from 0 unless given. */
export function tapOf(
  stage: StageId,
  layer: number | undefined,
  shape: readonly number[],
  data: readonly number[] | Float32Array<ArrayBuffer>,
  extra: { readonly positions?: readonly number[]; readonly bound?: readonly number[] } = {},
): Tap {
  const positions = extra.positions ?? Array.from({ length: shape[0] ?? 1 }, (_, i) => i);
  return {
    stage,
    layer,
    positions,
    shape,
    data: stage === 'moe_router_indices' ? Uint32Array.from(data) : Float32Array.from(data),
    ...(extra.bound === undefined ? {} : { bound: Float32Array.from(extra.bound) }),
  };
}

export function tapMap(...taps: readonly Tap[]): ReadonlyMap<StageId, Tap> {
  return new Map(taps.map((tap) => [tap.stage, tap]));
}

/** The tap of a layer (undefined: whole-model) and stage. */
export function findTap(trace: Trace, layer: number | undefined, stage: StageId): Tap | undefined {
  return trace.taps.get(locationKey(layer, stage));
}
