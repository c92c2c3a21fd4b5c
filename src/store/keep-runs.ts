import type { Report } from '../divergence/report';
import { keptRunOf, type RunStore } from './run-store';
import type { SetState } from './set-state';
import type { AppState } from './state';

/** The list of kept runs. */
export interface KeptRuns {
  /** Puts what is kept on the page. */
  show(): Promise<void>;
  /** Keeps the page's last run, once it has a moment, for a reload and for the list. */
  keep(state: AppState): void;
}

/** @param quiet resolves once the page has a moment to spare */
export function keptRuns(store: RunStore, quiet: () => Promise<void>, set: SetState): KeptRuns {
  let kept: Report | undefined;
  const show = async (): Promise<void> => {
    const runs = await store.list();
    set((s) => ({ shell: { ...s.shell, runs } }));
  };
  return {
    show,
    keep: ({ shell: { ownReport: report } }) => {
      if (report === undefined || report === kept) return;
      kept = report;
      void quiet()
        .then(() => store.keep(keptRunOf(report), report))
        .then(show);
    },
  };
}
