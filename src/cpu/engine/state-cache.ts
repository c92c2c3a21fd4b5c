import { fail } from '../../base/errors';
import type { StateSlot } from '../../arch/graph';

/** State of a layer by slot, f64, (positions, width): 8 * width bytes a position and slot. */
export interface LayerState {
  get(slot: StateSlot): Float64Array<ArrayBuffer>;
  /** Values of a slot for each position. */
  width(slot: StateSlot): number;
  /**
   * The latest rows before a position of a slot that keeps no more than its readers reach; none before the first token.
   * @throws TracerError `internal` where what is kept ends elsewhere: a step was given up
   */
  tail(slot: StateSlot, end: number): Float64Array<ArrayBuffer>;
  setTail(slot: StateSlot, rows: Float64Array<ArrayBuffer>, end: number): void;
}

/** State of all layers, kept from call to call. */
export interface StateCache {
  /** Makes room for `positions` positions in every slot and keeps what is there. */
  reserve(positions: number): void;
  layer(layer: number): LayerState;
}

/** An empty cache; slots that were never asked for take no memory. @param widthOf values of a slot for each position */
export function createStateCache(widthOf: (slot: StateSlot) => number): StateCache {
  const layers = new Map<number, Map<string, Float64Array<ArrayBuffer>>>();
  const tails = new Map<string, { readonly rows: Float64Array<ArrayBuffer>; readonly end: number }>();
  let capacity = 0;
  return {
    reserve(positions) {
      if (positions <= capacity) return;
      const before = capacity;
      // The first prompt gets exactly its size; continuations grow by half so that decoding does not copy at every token.
      capacity = capacity === 0 ? positions : Math.max(positions, Math.ceil(capacity * 1.5));
      for (const slots of layers.values()) {
        for (const [name, old] of slots) {
          const grown = new Float64Array((old.length / before) * capacity);
          grown.set(old);
          slots.set(name, grown);
        }
      }
    },
    layer(layer) {
      const slots = layers.get(layer) ?? new Map<string, Float64Array<ArrayBuffer>>();
      layers.set(layer, slots);
      return {
        get(slot) {
          const found = slots.get(slot.name) ?? new Float64Array(capacity * widthOf(slot));
          slots.set(slot.name, found);
          return found;
        },
        width: widthOf,
        tail: ({ name }, end) => {
          const kept = tails.get(`${layer} ${name}`);
          if (end === 0) return new Float64Array(0);
          if (kept?.end === end) return kept.rows;
          throw fail('internal', `${name} of layer ${layer} is not kept of position ${end}.`, 'Begin with nPast 0.');
        },
        setTail: ({ name }, rows, end) => {
          tails.set(`${layer} ${name}`, { rows, end });
        },
      };
    },
  };
}
