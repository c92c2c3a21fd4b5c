/** Keys and values that the decoder continues: an engine's (`GpuEngine.keys`), or a `KvCache` of its own. */
export interface DecodeKeys {
  /** Makes room for `positions` positions and keeps what is there. */
  reserve(positions: number): void;
  /** (positions, ...) of a layer's state. */
  slot(layer: number, name: string): GPUBuffer;
}
