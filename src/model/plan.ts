import { fail } from '../base/errors';
import type { CaptureRequest } from './engine';
import { stagesOf, stagesOfStep } from './graph-of';
import type { HParams } from './hparams';
import { ATTN_SCORES, ATTN_SOFTMAX } from './stage-roles';
import { COMPUTED_STAGES, findStage, partsOf, STAGES, stageOrder, type StageId } from './stages';

/** The chosen (stages x layers x positions). Whole-model stages ignore `layers`. */
export interface TracePlan {
  /** Forward order; may hold names that do not apply to the model, which are reported as such. */
  readonly stages: readonly StageId[];
  /** Ascending. */
  readonly layers: readonly number[];
  /** Prompt positions, ascending. */
  readonly positions: readonly number[];
}

/**
 * Reads `all` or a comma-separated list of stage ids, titles or aliases, ignoring case.
 * `all` means every stage of the model, and a joined name (`qkv_matmul`) its parts.
 * @param every the stages of the model; those of all architectures where it is not known yet
 * @throws TracerError `plan-stage` listing the valid names.
 */
export function parseStages(text: string, every: readonly StageId[] = COMPUTED_STAGES): readonly StageId[] {
  if (text.trim().toLowerCase() === 'all') return every;
  const names = text.split(',').filter((name) => name.trim() !== '');
  const ids = names.flatMap((name) => {
    const id = findStage(name);
    if (id === undefined) throw unknownStage(name.trim());
    return partsOf(id);
  });
  if (ids.length === 0) throw unknownStage(text);
  return [...new Set(ids)].sort((a, b) => stageOrder(a) - stageOrder(b));
}

/**
 * Reads `all`, `A..B` (end excluded; B may lie beyond `length`), a single number, or, where `allowLast`, `last`.
 * @returns the chosen indices, ascending, at least one. @throws TracerError `plan-range`.
 */
export function parseRange(text: string, length: number, what: RangeOf): readonly number[] {
  const range = rangeOf(text, what);
  if (range === 'all') return indices(0, length);
  if (range === 'last') return indices(length - 1, length);
  const end = Math.min(length, range?.[1] ?? 0);
  if (range === undefined || range[0] >= end) {
    throw fail(
      'plan-range',
      `"${text}" selects no ${what}; there are ${length}, numbered from 0.`,
      `Write ${formsOf(what)}; B is excluded and may lie beyond the end.`,
      { what, actual: text, length },
    );
  }
  return indices(range[0], end);
}

/** What can be told of a range before it is known how many there are: its form. @throws TracerError `plan-range` */
export function checkRange(text: string, what: RangeOf): void {
  const range = rangeOf(text, what);
  if (range === 'all' || range === 'last' || (range !== undefined && range[0] < range[1])) return;
  throw fail(
    'plan-range',
    `"${text}" selects no ${what}, however many there are.`,
    `Write ${formsOf(what)}; B is excluded and may lie beyond the end.`,
    { what, actual: text },
  );
}

type RangeOf = 'layers' | 'positions';

/** First and end, end excluded; undefined for a text that is none. */
function rangeOf(text: string, what: RangeOf): 'all' | 'last' | readonly [number, number] | undefined {
  const wanted = text.trim().toLowerCase();
  if (wanted === 'all' || (wanted === 'last' && what === 'positions')) return wanted;
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(wanted);
  if (match === null) return undefined;
  const first = Number(match[1]);
  return [first, match[2] === undefined ? first + 1 : Number(match[2])];
}

function formsOf(what: RangeOf): string {
  return what === 'positions' ? 'all, last, N or A..B' : 'all, N or A..B';
}

/** The plan of a run as typed. @throws TracerError `plan-stage`, `plan-range`. */
export function parsePlan(
  text: { readonly stages: string; readonly layers: string; readonly positions: string },
  hparams: HParams,
  nTokens: number,
): TracePlan {
  return {
    stages: parseStages(text.stages, stagesOf(hparams)),
    layers: parseRange(text.layers, hparams.nLayer, 'layers'),
    positions: parseRange(text.positions, nTokens, 'positions'),
  };
}

/** The largest array that every browser gives, bytes. */
const LARGEST_ARRAY = 2 ** 32;
/** The reference's scores are f64. */
const SCORE_BYTES = 8;

/** Tokens up to which every head's scores of all pairs of positions fit into one array of the reference. */
export function longestPrompt(nHead: number): number {
  return Math.floor(Math.sqrt(LARGEST_ARRAY / (SCORE_BYTES * Math.max(1, nHead))));
}

/** Captured attention scores, (positions, nHead, nTokens), must fit into one array. @throws TracerError `prompt-length` */
export function checkScores({ stages, positions }: TracePlan, nHead: number, nTokens: number): void {
  const byKey = stages.find((id) => id === ATTN_SCORES || id === ATTN_SOFTMAX);
  const bytes = positions.length * nHead * nTokens * SCORE_BYTES;
  if (byKey === undefined || bytes <= LARGEST_ARRAY) return;
  const longest = longestPrompt(nHead);
  throw fail(
    'prompt-length',
    `The prompt has ${nTokens} tokens; ${byKey} of ${positions.length} positions would take ${bytes} bytes, more than one array holds.`,
    `Capture fewer positions (last, A..B), leave out ${ATTN_SCORES} and ${ATTN_SOFTMAX}, or run at most ${longest} tokens.`,
    { stage: byKey, tokens: nTokens, positions: positions.length, bytes, limit: LARGEST_ARRAY },
  );
}

/** The stages of the plan that the model computes in one step: a layer of the plan, or (undefined) the whole-model stages. */
export function plannedStages(plan: TracePlan, hparams: HParams, layer: number | undefined): readonly StageId[] {
  if (layer !== undefined && !plan.layers.includes(layer)) return [];
  return stagesOfStep(hparams, layer).filter((id) => plan.stages.includes(id));
}

/** A capture of these stages at these positions. */
export function captureOf(stages: readonly StageId[], positions: readonly number[]): CaptureRequest {
  return new Map(stages.map((id) => [id, positions]));
}

function indices(first: number, end: number): readonly number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

function unknownStage(name: string): Error {
  return fail(
    'plan-stage',
    `There is no stage "${name}".`,
    `Valid names: all, ${STAGES.map((s) => s.id).join(', ')}.`,
    { actual: name },
  );
}
