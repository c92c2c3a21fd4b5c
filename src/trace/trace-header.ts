import { findStage, type StageId } from '../model/stages';
import type { FiledCapture } from './filed-layout';
import { formatError, shown } from './format-error';
import { index, indices, member, text, type Field } from './json-fields';

/** What JSON says of a capture besides its payload. */
export interface CaptureHeader {
  readonly layer: number | null;
  readonly stage: StageId;
  readonly positions: readonly number[];
  readonly shape: readonly number[];
  /** Of joined projections: how many channels each has. */
  readonly parts?: readonly number[];
}

/** The JSON form of a capture without its payload. */
export function captureHeader({ layer, stage, positions, shape, parts }: FiledCapture): CaptureHeader {
  return { layer: layer ?? null, stage, positions, shape, ...(parts === undefined ? {} : { parts }) };
}

/** Reads {@link captureHeader}'s form. @throws TracerError `trace-format`. */
export function readCaptureHeader(field: Field): Omit<FiledCapture, 'data'> {
  const layer = member(field, 'layer');
  const parts = member(field, 'parts');
  return {
    layer: layer.value === null ? undefined : index(layer),
    stage: readStage(member(field, 'stage')),
    positions: indices(member(field, 'positions')),
    shape: indices(member(field, 'shape')),
    ...(parts.value === undefined ? {} : { parts: indices(parts) }),
  };
}

function readStage(field: Field): StageId {
  const stage = findStage(text(field));
  if (stage === undefined) throw formatError(field.place, 'a stage of the stage table', shown(field.value));
  return stage;
}
