import { formatBytes, formatCount, formatDuration } from '../base/format';
import { attempt } from '../base/errors';
import type { ModelCard } from '../divergence/report';
import type { HParams } from '../model/hparams';
import { longestPrompt } from '../model/plan';
import { longestThatFits, runMemory } from '../session/run-memory';
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
  const scores = options.positions === 'all' ? longestPrompt(model.hparams.nHead) : Infinity;
  const memory = promptMemory(state, model.hparams, tokens);
  const longest = Math.min(scores, memory.longest);
  if (tokens > longest) {
    return {
      lines: [`${formatCount(tokens)} tokens do not fit`, `at most ${formatCount(longest)}, or positions: last`],
      longest,
    };
  }
  return { lines: [...linesOf(state, model, tokens), ...memoryLines(memory.bytes)] };
}

/** Memory that is worth a line, bytes. */
const MUCH_MEMORY = 2 ** 30;

function memoryLines(needed: number): readonly string[] {
  return needed < MUCH_MEMORY ? [] : [`about ${formatBytes(needed)} of memory`];
}

interface PromptMemory {
  readonly bytes: number;
  /** Tokens of the longest prompt whose captures this browser can hold, as far as it says how much that is. */
  readonly longest: number;
}

/** Asked again at every change of the page: the last answer is kept. */
let known: { readonly of: readonly unknown[]; readonly memory: PromptMemory } | undefined;

function promptMemory({ options, opened }: AppState, hparams: HParams, tokens: number): PromptMemory {
  const allowed = opened?.preflight.cpu.allowedBytes ?? Infinity;
  const of = [options, hparams, tokens, allowed];
  if (known === undefined || known.of.some((value, i) => value !== of[i])) {
    const bytes = tokens === 0 ? 0 : (attempt(() => runMemory(options, hparams, tokens)).value?.needBytes ?? 0);
    const fitting = bytes <= allowed ? undefined : attempt(() => longestThatFits(options, hparams, tokens, allowed));
    known = { of, memory: { bytes, longest: fitting?.value ?? Infinity } };
  }
  return known.memory;
}

/** How often a thorough run goes through the prompt: judged, and in each other way. */
const THOROUGH_RUNS = 9;

function linesOf(state: AppState, model: ModelCard, tokens: number): readonly string[] {
  const { opened, options } = state;
  const seen = state.costs.get(model.headerSha256);
  if (seen === undefined || seen.ms === 0) {
    const gpu = opened?.preflight.gpu;
    return gpu === undefined ? [] : [`${formatBytes(gpu.wantBytes)} GPU memory`];
  }
  const times = tokens === 0 ? 1 : tokens / Math.max(1, seen.tokens);
  const seconds = (seen.ms * Math.max(0.4, times)) / 1000;
  const lines = [options.thorough ? `up to about ${roughly(seconds * THOROUGH_RUNS)}` : `about ${roughly(seconds)}`];
  if (seen.gpuBytes > 0) lines.push(`${formatBytes(seen.gpuBytes)} GPU memory`);
  return lines;
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
