import type { StoreApi } from 'zustand/vanilla';
import { linkOf, settleLink } from './shell-actions';
import type { AppState } from './state';

/** What the address states. */
const LINKED = [
  'selection',
  'metric',
  'heatMode',
  'heatMeasure',
  'tableMetric',
  'expert',
  'cut',
  'options',
  'report',
] as const satisfies readonly (keyof AppState)[];
/** The address is written this long after the last change, in milliseconds: browsers limit how often. */
const ADDRESS_PAUSE = 250;

/** Keeps the address's fragment in step with what is looked at. @param setFragment replaces it without a step in the history */
export function followAddress(store: StoreApi<AppState>, setFragment: (text: string) => void): void {
  const { getState, setState } = store;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let written = '';
  store.subscribe((now, before) => {
    if (now.report !== before.report || now.recorded !== before.recorded) settleLink(getState, setState);
    // A link that waits for its trace stays in the address.
    if (getState().shell.link !== undefined) return;
    const same = LINKED.every((key) => now[key] === before[key]) && now.shell.link === before.shell.link;
    if (same) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      const link = linkOf(getState(), false);
      if (link === written) return;
      written = link;
      setFragment(link);
    }, ADDRESS_PAUSE);
  });
}
