import { toErrorData } from '../base/errors';
import type { CompareMode } from '../divergence/run-mode';
import type { SlicePlace } from '../divergence/capture-slice';
import { rowIndex } from '../plots/trace-index';
import type { TraceView } from '../plots/trace-view';
import type { Place } from '../plots/select-walk';
import type { EngineClient } from '../worker/client-types';
import type { Inspection } from './inspection';
import type { SetState } from './set-state';
import type { AppState } from './state';
import { selectMapData, selectPlace, selectShown } from './view';

export interface InspectActions {
  /** Asks for the tensors of the place in hand where the engine has them; call it after any change. The last place wins. */
  refresh(): void;
  /** Runs the layers up to the place again, to have what was not kept. */
  fetchCaptures(): Promise<void>;
}

/** Keeps `inspection` in step with the place in hand. */
export function inspectActions(client: EngineClient, get: () => AppState, set: SetState): InspectActions {
  const isCurrent = (place: SlicePlace): boolean => samePlace(get().inspection?.place, place);

  const settle = (place: SlicePlace, change: Partial<Inspection>): void => {
    const { inspection } = get();
    if (inspection !== undefined && isCurrent(place)) set({ inspection: { ...inspection, ...change } });
  };

  return {
    refresh: () => {
      const place = selectSlicePlace(get());
      if (samePlace(get().inspection?.place, place)) return;
      if (place === undefined) {
        set({ inspection: undefined });
        return;
      }
      // What was shown before stays until the answer is there: it comes within a frame or two.
      const { inspection } = get();
      const answer = inspection?.answer?.kind === 'slice' ? inspection.answer : undefined;
      set({ inspection: { place, answer, fetching: false, error: undefined } });
      client.captureSlice(place).then(
        (found) => {
          settle(place, { answer: found });
        },
        (error: unknown) => {
          settle(place, { answer: undefined, error: toErrorData(error) });
        },
      );
    },
    fetchCaptures: async () => {
      const { inspection } = get();
      if (inspection === undefined || inspection.fetching) return;
      const { place } = inspection;
      set({ inspection: { ...inspection, fetching: true, error: undefined } });
      set({ announcement: 'Running the layers up to this one again.' });
      try {
        settle(place, { answer: await client.fetchCaptures(place), fetching: false });
      } catch (error) {
        const data = toErrorData(error);
        settle(place, { fetching: false, error: data.code === 'run-cancelled' ? undefined : data });
      }
    },
  };
}

/** The place whose tensors can be had; undefined where the shown trace is not the engine's last run. */
export function selectSlicePlace(state: AppState): SlicePlace | undefined {
  const shown = selectShown(state);
  const place = selectPlace(state);
  if (shown.kind !== 'report' || place === undefined || state.traced?.report !== shown.report) return undefined;
  return slicePlaceOf(shown.view, place, selectMapData(state)?.measure.basis ?? 'local');
}

/** A place made whole: the way of running that was measured, and the worst token where none was chosen. */
export function slicePlaceOf(view: TraceView, place: Place, mode: SlicePlace['mode']): SlicePlace | undefined {
  const index = rowIndex(view.rows);
  const order: readonly CompareMode[] = [mode, 'local', 'isolated', 'free'];
  const row = order.map((id) => index.row(id, place.stage, place.layer)).find((found) => found !== undefined);
  if (row === undefined || row.count === 0) return undefined;
  const position = place.position ?? row.worstPosition ?? view.positions[0];
  if (position === undefined || !view.positions.includes(position)) return undefined;
  return { layer: place.layer, stage: place.stage, position, mode: row.mode };
}

function samePlace(x: SlicePlace | undefined, y: SlicePlace | undefined): boolean {
  return x?.layer === y?.layer && x?.stage === y?.stage && x?.position === y?.position && x?.mode === y?.mode;
}
