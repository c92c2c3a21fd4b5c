import type { Capture } from '../../src/model/engine';
import { locationKey } from '../../src/model/location';
import type { StageId } from '../../src/model/stages';
import type { Trace } from '../../src/trace/trace';

/** A capture from plain numbers. Positions count from 0 unless given. */
export function captureOf(
  stage: StageId,
  layer: number | undefined,
  shape: readonly number[],
  data: readonly number[] | Float32Array<ArrayBuffer>,
  extra: { readonly positions?: readonly number[]; readonly bound?: readonly number[] } = {},
): Capture {
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

export function captureMap(...captures: readonly Capture[]): ReadonlyMap<StageId, Capture> {
  return new Map(captures.map((captured) => [captured.stage, captured]));
}

/** The capture of a layer (undefined: whole-model) and stage. */
export function findCapture(trace: Trace, layer: number | undefined, stage: StageId): Capture | undefined {
  return trace.captures.get(locationKey(layer, stage));
}
