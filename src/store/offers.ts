import type { ErrorCode } from '../base/errors';
import type { AppStore } from './app-store';
import type { AppState, RunOptions } from './state';

/** What a person can do about a failure with one press. */
export interface Offer {
  readonly title: string;
  /** Run options to change; then it runs. */
  readonly options?: Partial<RunOptions>;
}

const AGAIN: Offer = { title: 'Run it again' };
const REFERENCE: Offer = { title: 'Run the reference alone', options: { engines: ['cpu'], inject: [] } };
const LAST: Offer = { title: 'Capture the last token only', options: { positions: 'last' } };

/** WHAT IS OFFERED after a failed run, by its code. Failures of files are not here: another file is the only way on. */
export const OFFERS: Partial<Record<ErrorCode, readonly Offer[]>> = {
  'prompt-length': [LAST],
  'gpu-lost': [AGAIN, REFERENCE],
  'gpu-memory': [LAST, REFERENCE],
  'gpu-limit': [LAST, REFERENCE],
  'gpu-validation': [AGAIN, REFERENCE],
  'gpu-shader': [REFERENCE],
  'gpu-unavailable': [REFERENCE],
  'gpu-adapter': [REFERENCE],
  'cpu-worker': [AGAIN],
  'source-read': [AGAIN],
  'source-changed': [AGAIN],
};

/** What is offered now: only where a model is open that could run, and not what is set already. */
export function offersFor(state: Pick<AppState, 'error' | 'opened' | 'options'>): readonly Offer[] {
  const { error, opened, options } = state;
  if (error === undefined || opened === undefined) return [];
  return (OFFERS[error.code] ?? []).filter(
    ({ options: change }) =>
      change === undefined ||
      Object.entries(change).some(([name, value]) => String(Reflect.get(options, name)) !== String(value)),
  );
}

export function take(offer: Offer, store: AppStore): void {
  if (offer.options !== undefined) store.actions.setOptions(offer.options);
  void store.actions.run();
}
