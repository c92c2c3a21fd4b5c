import { stageSpec } from '../../model/stages';
import type { MapData } from '../../plots/map/map-types';
import { expertAt } from '../../plots/place-state';
import type { Place } from '../../plots/select-walk';

/** The expert that a place is about: the culprit's, else the one of the worst value, else the token's first. */
export function expertOf(data: MapData, { layer, stage, position }: Place): number | undefined {
  const { shape } = stageSpec(stage);
  const slotAxis = shape.indexOf('nExpertUsed');
  if (layer === undefined || slotAxis < 0) return undefined;
  const { verdict } = data.view;
  const named = [verdict?.first, ...(verdict?.others ?? [])].find(
    (culprit) => culprit?.layer === layer && culprit.stage === stage && culprit.position === position,
  );
  if (named?.expert !== undefined) return named.expert;
  const row = data.row(data.measure.basis, stage, layer);
  const index = row?.maxRatioIndex ?? row?.maxAbsIndex;
  const token = position ?? row?.worstPosition;
  if (token === undefined) return undefined;
  const slot = index?.[0] === token ? (index[slotAxis] ?? 0) : 0;
  return expertAt(data.view, layer, token, slot, data.measure.basis);
}
