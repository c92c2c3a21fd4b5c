import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Copies of all heads of a token in turn: head h is head h % USED of them. */
export const L2_TURN: Edit = [
  '(row * params.times + copy) * params.rowLength',
  '((row - row % USED) * params.times + copy * USED + row % USED) * params.rowLength',
];
/** Heads as they are. */
export const L2_LEFT_OUT: Edit = ['y[to + c] = x[first + c] * scale;', 'y[to + c] = x[first + c];'];

export const L2NORM_DEFECTS: readonly Defect[] = [
  ...defectsOf('l2norm', [
    ['scale', 'eps left out', [' + params.eps', '']],
    ['scale', 'a mean where the sum belongs', ['inverseSqrt(total +', 'inverseSqrt(total / f32(params.rowLength) +']],
    ['scale', 'not normalised', L2_LEFT_OUT],
    ['index', 'the last partial sum left out', ['l < LANES', 'l + 1u < LANES']],
    [
      'index',
      'copies of all heads in turn',
      ['(row * params.times + copy) * params.rowLength', '(copy * params.rows + row) * params.rowLength'],
    ],
    ['barrier', 'partial sums read before they are there', ['workgroupBarrier();', '']],
    ['rounding', 'squares in f16', ['sum += value * value', 'sum += quantizeToF16(value * value)']],
  ]),
];
