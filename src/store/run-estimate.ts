import { formatBytes, formatCount, formatDuration } from '../base/format';
import { longestPrompt } from '../model/plan';
import { costOf } from './run-cost';
import { selectShown } from './view';
import type { AppState } from './state';

/** What the next run costs, as far as it is known. */
export interface RunEstimate {
  readonly lines: readonly string[];
  /** Tokens of the longest prompt that fits, where this one does not. */
  readonly longest?: number;
}

/** Time and memory of the next run: extrapolated from the last of the same model, never invented. */
export function selectEstimate(state: AppState): RunEstimate {
  const { opened, prompt, recorded, options } = state;
  const model = opened?.card ?? recorded?.model;
  const tokens = prompt.ids.length;
  if (model === undefined) return { lines: [] };
  const longest = longestPrompt(model.hparams.nHead);
  if (options.positions === 'all' && tokens > longest) {
    return {
      lines: [`${formatCount(tokens)} tokens do not fit`, `at most ${formatCount(longest)}, or positions: last`],
      longest,
    };
  }
  const seen = state.costs.get(model.headerSha256);
  if (seen === undefined || seen.ms === 0) {
    const gpu = opened?.preflight.gpu;
    return { lines: gpu === undefined ? [] : [`${formatBytes(gpu.wantBytes)} GPU memory`] };
  }
  const times = tokens === 0 ? 1 : tokens / Math.max(1, seen.tokens);
  const lines = [`about ${roughly((seen.ms * Math.max(0.4, times)) / 1000)}`];
  if (seen.gpuBytes > 0) lines.push(`${formatBytes(seen.gpuBytes)} GPU memory`);
  return { lines };
}

/** What the run on the page took. */
export function selectTook(state: AppState): readonly string[] {
  const shown = selectShown(state);
  if (shown.kind !== 'report') return [];
  const { ms, gpuBytes } = costOf(shown.report);
  const took = ms === 0 ? undefined : `took ${roughly(ms / 1000)}`;
  const gpu = gpuBytes === 0 ? undefined : `${formatBytes(gpuBytes)} GPU`;
  return [took, gpu].filter((text) => text !== undefined);
}

/** An estimate has no tenths. */
function roughly(seconds: number): string {
  return formatDuration(seconds < 1 ? 1 : seconds < 10 ? Math.round(seconds) : seconds).replace('.0 s', ' s');
}
