import { fail } from '../../base/errors';
import type { StateSlot, Value } from '../../arch/graph';
import { LAYER_INPUT } from '../../arch/graph';
import type { ReferenceStep, Capture } from '../../model/engine';
import type { LayerState } from './state-cache';

export type Held = Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/** Where a node finds its inputs and the state of earlier positions. */
export interface SectionValues {
  /** Whether a value is there. */
  has(value: Value): boolean;
  get(value: Value): Held;
  /** A value as it is stored, for who reads a few rows at a time: an attention's scores of a long prompt are too many to be converted at once. */
  stored(value: Value): Held | Capture['data'];
  /** The row of a value that is of a position. @throws TracerError `internal` where it is not there */
  rowAt(value: Value, position: number): number;
  state(slot: StateSlot): Float64Array<ArrayBuffer>;
  /** A state's row of one position. @throws TracerError `internal` where it is not there */
  stateRow(slot: StateSlot, position: number): Float64Array;
  /** Whether all of this is captures. */
  readonly fed: boolean;
  /** What the next step goes on from, of a state that keeps no more than its readers reach. */
  leave(slot: StateSlot, rows: Float64Array<ArrayBuffer>): void;
}

/** Values of a run that feeds itself. */
export interface OwnValues extends SectionValues {
  keep(value: Value, held: Held): void;
  release(id: string): void;
  /** Puts what was left in the place of what the step went on from. @param end positions that it is of */
  commit(end: number): void;
}

/** Values of a section that starts from `input` (nTokens, nEmbd), position `nPast` first. */
export function ownValues(
  input: Float64Array<ArrayBuffer> | undefined,
  state: LayerState | undefined,
  nPast: number,
): OwnValues {
  const values = new Map<string, Held>();
  const left = new Map<StateSlot, Float64Array<ArrayBuffer>>();
  if (input !== undefined) values.set(LAYER_INPUT, input);
  const get = ({ id }: Value): Held => {
    const found = values.get(id);
    if (found !== undefined) return found;
    throw fail('internal', `The CPU engine reads ${id} before it is computed.`, 'Please report this defect.');
  };
  const kept = (): LayerState => {
    if (state === undefined)
      throw fail('internal', 'A whole-model stage asked for state.', 'Please report this defect.');
    return state;
  };
  return {
    has: ({ id }) => values.has(id),
    rowAt: (_value, position) => position - nPast,
    get,
    stored: get,
    state: (slot) => kept().get(slot),
    stateRow: (slot, position) => {
      const held = values.get(slot.value.id);
      const width = kept().width(slot);
      const back = nPast - position;
      if (back <= 0 && held instanceof Float64Array) return held.subarray(-back * width, (1 - back) * width);
      const tail = kept().tail(slot, nPast);
      if (back > 0 && back * width <= tail.length) {
        return tail.subarray(tail.length - back * width, tail.length - (back - 1) * width);
      }
      throw fail('internal', `${slot.name} of position ${position} is not kept.`, 'Please report this defect.');
    },
    fed: false,
    leave: (slot, rows) => {
      left.set(slot, rows);
    },
    commit: (end) => {
      for (const [slot, rows] of left) kept().setTail(slot, rows, end);
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
 * @param end positions of the step and before it: what is kept has to be of all of them @param nTokens of the step
 */
export function referenceValues(
  { captures, layerInput, past }: ReferenceStep,
  end: number,
  nTokens: number,
): SectionValues {
  const read = new Map<string, Held>();
  const captureOf = ({ id }: Value): Capture => {
    const captured = id === LAYER_INPUT ? layerInput : [...captures.values()].find(({ stage }) => stage === id);
    if (captured !== undefined) return captured;
    throw fail(
      'internal',
      `The reference did not capture ${id}, which an isolated stage reads.`,
      'Please report this.',
    );
  };
  const get = (value: Value): Held => {
    const found = read.get(value.id);
    if (found !== undefined) return found;
    const captured = captureOf(value);
    const held =
      captured.data instanceof Uint32Array
        ? captured.data.slice()
        : (captured.exact ?? new Float64Array(captured.data));
    read.set(value.id, held);
    return held;
  };
  return {
    has: () => true,
    get,
    stored: (value) => read.get(value.id) ?? captureOf(value).exact ?? captureOf(value).data,
    rowAt: (value, position) => {
      const row = captureOf(value).positions.indexOf(position);
      if (row >= 0) return row;
      throw fail('internal', `${value.id} was not captured at position ${position}.`, 'Please report this.');
    },
    stateRow: ({ value }, position) => {
      const captured = captureOf(value);
      const held = get(value);
      if (!(held instanceof Float64Array)) throw fail('internal', `${value.id} is no state.`, 'Please report this.');
      const width = held.length / Math.max(1, captured.positions.length);
      const row = captured.positions.indexOf(position);
      if (row >= 0) return held.subarray(row * width, (row + 1) * width);
      // What is kept of the positions before ends where the step begins.
      const [, before = new Float32Array(0)] = [...(past ?? [])].find(([stage]) => stage === captured.stage) ?? [];
      const from = before.length - (end - nTokens - position) * width;
      if (position < end - nTokens && from >= 0) return Float64Array.from(before.subarray(from, from + width));
      throw fail('internal', `${value.id} was not captured at position ${position}.`, 'Please report this.');
    },
    fed: true,
    leave: () => undefined,
    state: ({ value }) => {
      const captured = captureOf(value);
      const [, before] = [...(past ?? [])].find(([stage]) => stage === captured.stage) ?? [];
      const held = get(value);
      const width = captured.positions.length === 0 ? 0 : held.length / captured.positions.length;
      const rows = (before?.length ?? 0) / Math.max(1, width) + captured.positions.length;
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
