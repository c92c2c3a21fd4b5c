import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Head h of v has head h / (nHeadV / nHeadK) of k. */
export const DELTA_GROUPED: Edit = ['head % params.nHeadK', 'head / (params.nHeadV / params.nHeadK)'];
/** What came before a chunk is lost. */
export const DELTA_FORGETS: Edit = ['old = before[own + j];', 'old = 0.0;'];
/** The difference is taken of a state that has not decayed yet. */
export const DELTA_LATE_DECAY: Edit = ['known += kept * k[key + j];', 'known += old * k[key + j];'];
/** Hebbian: v is written as it is. */
export const DELTA_NO_DIFFERENCE: Edit = ['(v[t * params.count + i] - known)', 'v[t * params.count + i]'];
/** The state is that of before after each 64 tokens: what a chunked form does that drops it. */
export const DELTA_LOST: Edit = ['else if (t == 0u)', 'else if (t % 64u == 0u)'];
export const DELTA_NO_BETA: Edit = [' * beta[t * params.nHeadV + head];', ';'];

export const DELTA_RULE_DEFECTS: readonly Defect[] = [
  ...defectsOf('delta_rule', [
    ['index', 'neighbouring heads of values share one of keys', DELTA_GROUPED],
    ['index', 'the state lost from token to token', ['old = y[to - size + j];', 'old = 0.0;']],
    ['index', 'the state lost at the border of a chunk', DELTA_FORGETS],
    ['index', 'the state lost after 64 tokens', DELTA_LOST],
    ['index', "the state before one token taken for another's", ['old = before[to + j];', 'old = before[own + j];']],
    ['scale', 'no decay', ['let kept = keep * old;', 'let kept = old;']],
    ['scale', 'decay behind the update', DELTA_LATE_DECAY],
    ['scale', 'v written whatever is known', DELTA_NO_DIFFERENCE],
    ['scale', 'beta left out', DELTA_NO_BETA],
    ['sign', 'what is known added', ['[t * params.count + i] - known', '[t * params.count + i] + known']],
    ['rounding', 'states in f16', ['y[to + j] = kept;', 'y[to + j] = quantizeToF16(kept);']],
  ]),
];
