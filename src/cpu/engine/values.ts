import { fail } from '../../base/errors';
import type { StateSlot, Value } from '../../arch/graph';
import { LAYER_INPUT } from '../../arch/graph';
import type { ReferenceStep, Tap } from '../../model/engine';
import type { LayerState } from './state-cache';

export type Held = Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Where a node finds its inputs and the state of earlier positions. */
export interface SectionValues {
  /** Whether a value is there. */
  has(value: Value): boolean;
  get(value: Value): Held;
  /** The row of a value that is of a position. @throws TracerError `internal` where it is not there */
  rowAt(value: Value, position: number): number;
  state(slot: StateSlot): Float64Array<ArrayBuffer>;
}

/** Values of a run that feeds itself. */
export interface OwnValues extends SectionValues {
  keep(value: Value, held: Held): void;
  release(id: string): void;
}

/** Values of a section that starts from `input` (nTokens, nEmbd), position `nPast` first. */
export function ownValues(
  input: Float64Array<ArrayBuffer> | undefined,
  state: LayerState | undefined,
  nPast: number,
): OwnValues {
  const values = new Map<string, Held>();
  if (input !== undefined) values.set(LAYER_INPUT, input);
  return {
    has: ({ id }) => values.has(id),
    rowAt: (_value, position) => position - nPast,
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

/**
 * Captures as nodes read their inputs: exact where the capture is, else what f32 kept of it.
 * @param end positions of the step and before it: what is kept has to be of all of them
 */
export function referenceValues({ taps, layerInput, past }: ReferenceStep, end: number): SectionValues {
  const read = new Map<string, Held>();
  const tapOf = ({ id }: Value): Tap => {
    const tap = id === LAYER_INPUT ? layerInput : [...taps.values()].find(({ stage }) => stage === id);
    if (tap !== undefined) return tap;
    throw fail(
      'internal',
      `The reference did not capture ${id}, which an isolated stage reads.`,
      'Please report this.',
    );
  };
  const get = (value: Value): Held => {
    const found = read.get(value.id);
    if (found !== undefined) return found;
    const tap = tapOf(value);
    const held = tap.data instanceof Uint32Array ? tap.data : (tap.exact ?? Float64Array.from(tap.data));
    read.set(value.id, held);
    return held;
  };
  return {
    has: () => true,
    get,
    rowAt: (value, position) => {
      const row = tapOf(value).positions.indexOf(position);
      if (row >= 0) return row;
      throw fail('internal', `${value.id} was not captured at position ${position}.`, 'Please report this.');
    },
    state: ({ value }) => {
      const tap = tapOf(value);
      const [, before] = [...(past ?? [])].find(([stage]) => stage === tap.stage) ?? [];
      const held = get(value);
      const width = tap.positions.length === 0 ? 0 : held.length / tap.positions.length;
      const rows = (before?.length ?? 0) / Math.max(1, width) + tap.positions.length;
      if (rows !== end)
        throw fail('internal', `${value.id} was captured at ${rows} of ${end} positions.`, 'Please report this.');
      if (before === undefined) return held instanceof Float64Array ? held : Float64Array.from(held);
      const all = new Float64Array(before.length + held.length);
      all.set(before);
      all.set(held, before.length);
      return all;
    },
  };
}
