import { selectOptionErrors } from './check-options';
import { selectEstimate } from './run-estimate';
import type { AppState } from './state';
import { selectShown } from './view';

/** What a press on Run would run, or why it would not. */
export type RunTarget =
  | { readonly kind: 'model' | 'sample'; readonly title: string; readonly refused: string | undefined }
  /** A report of a model that is not here. */
  | { readonly kind: 'absent'; readonly title: string };

/** A report that was opened is never run as the sample. */
export function selectTarget(state: AppState): RunTarget {
  const { opened, recorded, shell } = state;
  const shown = selectShown(state);
  if (opened === undefined && shell.origin !== undefined && shown.kind === 'report') {
    const { headerSha256 } = shown.report.model;
    if (headerSha256 === '' || headerSha256 !== recorded?.model.headerSha256) {
      return { kind: 'absent', title: 'Drop the GGUF to run it here' };
    }
  }
  const refused = refusal(state);
  if (opened === undefined) return { kind: 'sample', title: 'Run sample', refused };
  return { kind: 'model', title: `Run ${shortName(opened.card.file)}`, refused };
}

function refusal(state: AppState): string | undefined {
  const [error] = Object.values(selectOptionErrors(state));
  if (error !== undefined) return error.message;
  const { longest, lines } = selectEstimate(state);
  return longest === undefined ? undefined : lines.join(', ');
}

/** Whether Run does anything now. */
export function canRun(state: AppState): boolean {
  if (state.phase === 'running' || state.phase === 'loading') return false;
  const target = selectTarget(state);
  return target.kind !== 'absent' && target.refused === undefined;
}

const MOST_OF_NAME = 26;

function shortName(file: string): string {
  if (file.length <= MOST_OF_NAME) return file;
  return `${file.slice(0, 12)}…${file.slice(-12)}`;
}
