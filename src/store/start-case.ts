import type { PageSource } from '../worker/page-source';
import { settleLink, type ShellActions } from './shell-actions';
import type { SetState } from './set-state';
import type { AppState } from './state';

/**
 * Opens the recorded case that the address asks for, and then looks at it as the rest of the address says. An address that holds or names a
 * run of its own is of that run: the page wrote it after something else had been run on the page of a case.
 */
export async function startCase(
  source: PageSource | undefined,
  shell: Pick<ShellActions, 'openSaved'>,
  get: () => AppState,
  set: SetState,
): Promise<void> {
  if (source === undefined) return;
  const { link } = get().shell;
  if (link?.run !== undefined || link?.summary !== undefined) return;
  // The defect of the first story is not the case's: Run must not repeat it.
  set((s) => ({ shell: { ...s.shell, begun: true, link: undefined } }));
  await shell.openSaved([source]);
  if (link === undefined || get().phase !== 'done') return;
  const { basis, unit, tab, zoom } = link.view;
  set((s) => ({ basis, unit, tab, zoom, shell: { ...s.shell, link } }));
  settleLink(get, set);
}
