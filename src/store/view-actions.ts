import type { CompareMode } from '../divergence/report';
import type { ErrorMetric } from '../plots/error-scale';
import type { HeatMeasure } from '../plots/heat-measures';
import type { PartWay } from '../plots/select-parts';
import type { TableMetric } from '../plots/select-table';
import { selectFirst, type Place } from '../plots/select-walk';
import { locationText } from '../model/location';
import type { SetState } from './set-state';
import type { AppState } from './state';
import { selectNeighbour, selectView } from './view';

/** What of the trace is looked at, and how. */
export interface ViewActions {
  select(place: Place | undefined): void;
  walk(to: 'first' | 'next' | 'previous'): void;
  setHeatMode(mode: CompareMode): void;
  setHeatMeasure(measure: HeatMeasure): void;
  setExpert(expert: number | undefined): void;
  setCut(cut: PartWay): void;
  setTensorMode(mode: CompareMode): void;
  setMetric(metric: ErrorMetric): void;
  setTableMetric(metric: TableMetric): void;
  setShortcuts(on: boolean): void;
  setTheme(theme: AppState['theme']): void;
}

export function viewActions(get: () => AppState, set: SetState): ViewActions {
  return {
    select: (selection) => {
      set({ selection });
    },
    walk: (to) => {
      const view = selectView(get());
      if (view === undefined) return;
      const place = to === 'first' ? selectFirst(view) : selectNeighbour(get(), to === 'next' ? 1 : -1);
      if (place === undefined) set({ announcement: 'Nothing diverges.' });
      else set({ selection: place, announcement: `${placeText(place)}.` });
    },
    setHeatMode: (heatMode) => {
      set({ heatMode });
    },
    setHeatMeasure: (heatMeasure) => {
      set({ heatMeasure });
    },
    setExpert: (expert) => {
      set({ expert });
    },
    setCut: (cut) => {
      set({ cut });
    },
    setTensorMode: (tensorMode) => {
      set({ tensorMode });
    },
    setMetric: (metric) => {
      set({ metric });
    },
    setTableMetric: (tableMetric) => {
      set({ tableMetric });
    },
    setShortcuts: (shortcuts) => {
      set({ shortcuts });
    },
    setTheme: (theme) => {
      set({ theme });
    },
  };
}

function placeText(place: Place): string {
  return `${locationText(place)}${place.position === undefined ? '' : `, token ${String(place.position)}`}`;
}
