import type { LayerKeys } from '../engine/kv-cache';

/** Keys and values that the decoder continues: an engine's (`GpuEngine.keys`), or a `KvCache` of its own. */
export interface DecodeKeys {
  /** Makes room for `positions` positions and keeps what is there. */
  reserve(positions: number): void;
  layer(layer: number): LayerKeys;
}
