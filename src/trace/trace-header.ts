import type { Tap } from '../model/engine';
import { findStage, type StageId } from '../model/stages';
import { formatError } from './format-error';
import { elements, index, indices, member, optionalText, text, type Field } from './json-fields';
import type { Provenance, TraceMode } from './trace';

/** What JSON says of a tap besides its payload. */
export interface TapHeader {
  readonly layer: number | null;
  readonly stage: StageId;
  readonly positions: readonly number[];
  readonly shape: readonly number[];
}

const MODES: readonly TraceMode[] = ['free', 'isolated'];

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

/** Reads a provenance. @throws TracerError `trace-format`. */
export function readProvenance(field: Field): Provenance {
  const modeField = member(field, 'mode');
  const mode = MODES.find((m) => m === modeField.value);
  if (mode === undefined) throw formatError(modeField.place, MODES.join(' or '), JSON.stringify(modeField.value));
  const modelName = optionalText(member(field, 'modelName'));
  const headerSha256 = optionalText(member(field, 'headerSha256'));
  const adapter = optionalText(member(field, 'adapter'));
  const toolVersion = optionalText(member(field, 'toolVersion'));
  const tokens = member(field, 'tokens');
  return {
    arm: text(member(field, 'arm')),
    mode,
    ...(modelName === undefined ? {} : { modelName }),
    ...(headerSha256 === undefined ? {} : { headerSha256 }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(toolVersion === undefined ? {} : { toolVersion }),
    ...(tokens.value === undefined ? {} : { tokens: elements(tokens).map((token) => index(token)) }),
  };
}

function readStage(field: Field): StageId {
  const stage = findStage(text(field));
  if (stage === undefined) throw formatError(field.place, 'a stage of the stage table', JSON.stringify(field.value));
  return stage;
}
