import { fail, TracerError } from '../base/errors';
import { reportToJson } from '../divergence/report-json';
import type { AppStore } from './app-store';

/** What `window.moescope` offers to whoever drives the page. */
export interface Automation {
  /**
   * The report of the run, as JSON holds it (numbers that are not finite are strings). Waits for a run to finish; never the recorded
   * trace. Rejects with the run's error, or `run-cancelled`.
   */
  report(): Promise<unknown>;
}

export function automation(store: AppStore): Automation {
  return {
    report: () =>
      new Promise((resolve, reject) => {
        const settle = (): boolean => {
          const { phase, report, error } = store.getState();
          if (phase === 'done' && report !== undefined) resolve(JSON.parse(reportToJson(report)));
          else if (phase === 'error' && error !== undefined) reject(new TracerError(error));
          else if (phase === 'cancelled') reject(fail('run-cancelled', 'The run was cancelled.', 'Run it again.'));
          else return false;
          return true;
        };
        if (settle()) return;
        const stop = store.subscribe(() => {
          if (settle()) stop();
        });
      }),
  };
}

declare global {
  interface Window {
    moescope: Automation;
  }
}
