import type { Taps } from '../divergence/compare-step';
import type { LocalErrors } from '../judge/local-errors';
import type { StageId } from '../model/stages';
import type { SessionInput } from './session-input';

/** Hands the taps of a step to whoever saves or shows them, folder by folder, stages in forward order. */
export async function deliverTaps(
  onTap: SessionInput['onTap'],
  stages: readonly StageId[],
  folders: readonly (readonly [folder: string | undefined, taps: Taps | undefined])[],
): Promise<void> {
  if (onTap === undefined) return;
  for (const [folder, taps] of folders) {
    if (folder === undefined || taps === undefined) continue;
    for (const id of stages) {
      const tap = taps.get(id);
      if (tap !== undefined) await onTap(folder, tap);
    }
  }
}

/** The same of the exact values of a candidate's own inputs, by the reference's folder: `cpu-local`. */
export async function deliverLocal(
  onLocalTap: SessionInput['onLocalTap'],
  reference: string | undefined,
  local: Omit<LocalErrors, 'cost'> | undefined,
): Promise<void> {
  if (onLocalTap === undefined || local === undefined || reference === undefined) return;
  // The bounds of a stranger are those of its arithmetic, which is known once all layers are.
  if (local.emulated !== undefined) return;
  for (const { row } of local.errors) {
    const tap = row.verdict === 'unmeasured' ? undefined : local.truth.get(row.stage);
    if (tap !== undefined) await onLocalTap(`${reference}-local`, tap);
  }
}
