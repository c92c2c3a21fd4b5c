import type { ErrorData } from '../base/errors';
import type { AppState } from './state';

/** Changes the state: by new values, or by what they become of the old ones. */
export type SetState = (change: Partial<AppState> | ((state: AppState) => Partial<AppState>)) => void;

/** Shows an error as the end of what the page was doing. */
export function failWith(set: SetState, error: ErrorData): void {
  set({ phase: 'error', error, loadingName: undefined, progress: undefined, cancelling: false });
  set({ announcement: `${error.message} ${error.remedy}` });
}
