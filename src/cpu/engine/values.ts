import { fail } from '../../base/errors';
import type { StateSlot, Value } from '../../arch/graph';
import { LAYER_INPUT } from '../../arch/graph';
import type { ReferenceStep } from '../../model/engine';
import type { LayerState } from './state-cache';

type Held = Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Where a node finds its inputs and the state of earlier positions. */
export interface SectionValues {
  /** Whether a value is there as a whole. */
  has(value: Value): boolean;
  get(value: Value): Held;
  state(slot: StateSlot): Float64Array<ArrayBuffer>;
}

/** Values of a run that feeds itself. */
export interface OwnValues extends SectionValues {
  keep(value: Value, held: Held): void;
  release(id: string): void;
}

/** Values of a section that starts from `input` (nTokens, nEmbd). */
export function ownValues(input: Float64Array<ArrayBuffer> | undefined, state: LayerState | undefined): OwnValues {
  const values = new Map<string, Held>();
  if (input !== undefined) values.set(LAYER_INPUT, input);
  return {
    has: ({ id }) => values.has(id),
    get: ({ id }) => {
      const found = values.get(id);
      if (found === undefined)
        throw fail('internal', `The CPU engine reads ${id} before it is computed.`, 'Please report this defect.');
      return found;
    },
    state: (slot) => {
      if (state === undefined)
        throw fail('internal', 'A whole-model stage asked for state.', 'Please report this defect.');
      return state.get(slot);
    },
    keep: ({ id }, held) => {
      values.set(id, held);
    },
    release: (id) => {
      values.delete(id);
    },
  };
}

/** The reference's captures as nodes read their inputs: exact where the capture is, else what f32 kept of it. */
export function referenceValues({ taps, layerInput }: ReferenceStep): SectionValues {
  const read = new Map<string, Held>();
  const tapOf = (id: string): Held | undefined => {
    const found = read.get(id);
    if (found !== undefined) return found;
    const tap = id === LAYER_INPUT ? layerInput : [...taps.values()].find(({ stage }) => stage === id);
    if (tap === undefined) return undefined;
    const held = tap.data instanceof Uint32Array ? tap.data : (tap.exact ?? Float64Array.from(tap.data));
    read.set(id, held);
    return held;
  };
  const get = ({ id }: Value): Held => {
    const held = tapOf(id);
    if (held !== undefined) return held;
    throw fail(
      'internal',
      `The reference did not capture ${id}, which an isolated stage reads.`,
      'Please report this.',
    );
  };
  return {
    has: () => true,
    get,
    state: (slot) => {
      const held = get(slot.value);
      return held instanceof Float64Array ? held : Float64Array.from(held);
    },
  };
}
