import type { StoreApi } from 'zustand/vanilla';
import { linkOf, settleLink } from './shell-actions';
import { samePlace } from '../plots/select-walk';
import type { AppState } from './state';

/** What the address states. */
const LINKED = [
  'selection',
  'basis',
  'unit',
  'tab',
  'expert',
  'zoom',
  'options',
  'report',
] as const satisfies readonly (keyof AppState)[];
/** The address is written this long after the last change, in milliseconds: browsers limit how often, and a walk is one step back. */
const ADDRESS_PAUSE = 400;

/**
 * Keeps the address's fragment in step with what is looked at. A place that was chosen is a step of the history, so that Back goes to the one
 * before; how it is looked at is not. @param setFragment replaces the fragment, or pushes it where `step` says so
 */
export function followAddress(store: StoreApi<AppState>, setFragment: (text: string, step: boolean) => void): void {
  const { getState, setState } = store;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let written = '';
  let place = store.getState().selection;
  let rows = store.getState().report;
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
      const { selection, report } = getState();
      const isStep = !samePlace(selection, place) && report === rows;
      place = selection;
      rows = report;
      setFragment(link, isStep);
    }, ADDRESS_PAUSE);
  });
}
