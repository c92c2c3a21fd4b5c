import type { CompareMode } from '../divergence/report';
import type { LayerWindow } from '../plots/map/layout';
import { FEWEST_LAYERS, windowOf } from '../plots/map/layout';
import type { Unit } from '../plots/map/measure';
import { locationText } from '../model/location';
import { neighbour, samePlace, selectFirst, type Place } from '../plots/select-walk';
import { TABS, type TabId } from '../plots/tabs/tabs';
import type { SetState } from './set-state';
import type { AppState } from './state';
import { selectMapData, selectPlace, selectView } from './view';

/** What of the trace is looked at, and how. */
export interface ViewActions {
  select(place: Place | undefined): void;
  /** Points at a place without keeping it; undefined: at nothing. */
  hover(place: Place | undefined): void;
  walk(to: 'first' | 'next' | 'previous'): void;
  setBasis(basis: CompareMode): void;
  setUnit(unit: Unit): void;
  setTab(tab: TabId): void;
  setExpert(expert: number | undefined): void;
  /** Shows a window of layers, as indices into the trace's; undefined: all of them. */
  setZoom(zoom: LayerWindow | undefined): void;
  /** Half as many layers, or twice as many, around the place in hand. */
  zoomBy(step: 1 | -1): void;
  setShortcuts(on: boolean): void;
  setTheme(theme: AppState['theme']): void;
}

export function viewActions(get: () => AppState, set: SetState): ViewActions {
  const setZoom = (zoom: LayerWindow | undefined): void => {
    const n = selectView(get())?.layers.length ?? 0;
    const window = windowOf(zoom, n);
    set({ zoom: window.to - window.from >= n ? undefined : window });
  };
  return {
    select: (selection) => {
      set({ selection, hover: undefined });
    },
    hover: (hover) => {
      if (!samePlace(get().hover, hover)) set({ hover });
    },
    walk: (to) => {
      const state = get();
      const data = selectMapData(state);
      if (data === undefined) return;
      const step = to === 'next' ? 1 : -1;
      const place = to === 'first' ? selectFirst(data.view) : neighbour(data, selectPlace(state), step);
      if (place === undefined) set({ announcement: 'Nothing is wrong.' });
      else set({ selection: place, hover: undefined, announcement: `${placeText(place)}.` });
    },
    setBasis: (basis) => {
      set({ basis });
    },
    setUnit: (unit) => {
      set({ unit });
    },
    setTab: (tab) => {
      set({ tab, announcement: `${TABS.find(({ id }) => id === tab)?.title ?? tab}.` });
    },
    setExpert: (expert) => {
      set({ expert });
    },
    setZoom,
    zoomBy: (step) => {
      const state = get();
      const layers = selectView(state)?.layers ?? [];
      const now = windowOf(state.zoom, layers.length);
      const length = now.to - now.from;
      const wish = step > 0 ? Math.max(FEWEST_LAYERS, Math.round(length / 2)) : length * 2;
      const at = layers.indexOf(selectPlace(state)?.layer ?? -1);
      const middle = at < 0 ? (now.from + now.to) / 2 : at;
      setZoom({ from: Math.max(0, Math.round(middle - wish / 2)), to: Math.round(middle - wish / 2) + wish });
    },
    setShortcuts: (shortcuts) => {
      set({ shortcuts });
    },
    setTheme: (theme) => {
      set({ theme });
    },
  };
}

/** `Layer 2, MoeExpertOut, token 0` */
export function placeText(place: Place): string {
  return `${locationText(place)}${place.position === undefined ? '' : `, token ${place.position}`}`;
}
