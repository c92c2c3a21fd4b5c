import type { Tap } from '../model/engine';
import { findStage, type StageId } from '../model/stages';
import { formatError, shown } from './format-error';
import { index, indices, member, text, type Field } from './json-fields';

/** What JSON says of a tap besides its payload. */
export interface TapHeader {
  readonly layer: number | null;
  readonly stage: StageId;
  readonly positions: readonly number[];
  readonly shape: readonly number[];
}

/** The JSON form of a tap without its payload. */
export function tapHeader(tap: Tap): TapHeader {
  return { layer: tap.layer ?? null, stage: tap.stage, positions: tap.positions, shape: tap.shape };
}

/** Reads {@link tapHeader}'s form. @throws TracerError `trace-format`. */
export function readTapHeader(field: Field): Omit<Tap, 'data'> {
  const layer = member(field, 'layer');
  return {
    layer: layer.value === null ? undefined : index(layer),
    stage: readStage(member(field, 'stage')),
    positions: indices(member(field, 'positions')),
    shape: indices(member(field, 'shape')),
  };
}

function readStage(field: Field): StageId {
  const stage = findStage(text(field));
  if (stage === undefined) throw formatError(field.place, 'a stage of the stage table', shown(field.value));
  return stage;
}
