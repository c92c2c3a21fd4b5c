/** Keys (after RoPE) and values of one layer, f64, (positions, nHeadKv * headDim). 2 * 8 * kvDim bytes a position. */
export interface LayerCache {
  readonly keys: Float64Array<ArrayBuffer>;
  readonly values: Float64Array<ArrayBuffer>;
}

/** Keys and values of all layers, kept from call to call. */
export interface KvCache {
  /** Makes room for `positions` positions in every layer and keeps what is there. */
  reserve(positions: number): void;
  layer(layer: number): LayerCache;
}

/** An empty cache. Layers that were never asked for take no memory. */
export function createKvCache(kvDim: number): KvCache {
  const layers = new Map<number, LayerCache>();
  let capacity = 0;
  const grown = (old: Float64Array | undefined): Float64Array<ArrayBuffer> => {
    const out = new Float64Array(capacity * kvDim);
    if (old !== undefined) out.set(old);
    return out;
  };
  return {
    reserve(positions) {
      if (positions <= capacity) return;
      // The first prompt gets exactly its size; continuations grow by half so that decoding does not copy at every token.
      capacity = capacity === 0 ? positions : Math.max(positions, Math.ceil(capacity * 1.5));
      for (const [layer, old] of layers) layers.set(layer, { keys: grown(old.keys), values: grown(old.values) });
    },
    layer(layer) {
      const found = layers.get(layer) ?? { keys: grown(undefined), values: grown(undefined) };
      layers.set(layer, found);
      return found;
    },
  };
}
