import type { Captures } from '../divergence/compare-step';
import type { LocalErrors } from '../judge/local-errors';
import type { StageId } from '../model/stages';
import type { SessionInput } from './session-input';

/** Hands the captures of a step to the listeners that save or show them, folder by folder, stages in forward order. */
export async function deliverCaptures(
  onCapture: SessionInput['onCapture'],
  stages: readonly StageId[],
  folders: readonly (readonly [folder: string | undefined, captures: Captures | undefined])[],
): Promise<void> {
  if (onCapture === undefined) return;
  for (const [folder, captures] of folders) {
    if (folder === undefined || captures === undefined) continue;
    for (const id of stages) {
      const captured = captures.get(id);
      if (captured !== undefined) await onCapture(folder, captured);
    }
  }
}

/** The same of the exact values of a candidate's own inputs, by the reference's folder: `cpu-local`. */
export async function deliverLocal(
  onLocalCapture: SessionInput['onLocalCapture'],
  reference: string | undefined,
  local: Omit<LocalErrors, 'cost'> | undefined,
): Promise<void> {
  if (onLocalCapture === undefined || local === undefined || reference === undefined) return;
  // The bounds of a stranger are those of its arithmetic, which is known once all layers are.
  if (local.emulated !== undefined) return;
  for (const { row } of local.errors) {
    const captured = row.verdict === 'unmeasured' ? undefined : local.truth.get(row.stage);
    if (captured !== undefined) await onLocalCapture(`${reference}-local`, captured);
  }
}
