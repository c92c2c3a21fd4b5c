import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/**
 * Over the USED largest values of a row, 0 for the others, in the rows that are struck. Ties go to the lower index. Ranks are counted where
 * they are needed: a row is as long as there are experts.
 */
export const SOFTMAX_AFTER_TOP_K: Edit = [
  'let e = exp(x[first + i] - highest);',
  `var rank = 0u;
    for (var j = 0u; j < params.rowLength; j++) {
      rank += select(0u, 1u, x[first + j] > x[first + i] || (x[first + j] == x[first + i] && j < i));
    }
    let e = select(0.0, exp(x[first + i] - highest), rank < USED || !struck(row));`,
];

export const SOFTMAX_DEFECTS: readonly Defect[] = [
  ...defectsOf('softmax', [
    ['sign', 'the maximum added', ['let e = exp(x[first + i] - highest)', 'let e = exp(x[first + i] + highest)']],
    ['scale', 'no maximum subtracted', ['let e = exp(x[first + i] - highest)', 'let e = exp(x[first + i])']],
    ['index', 'a token does not see itself', ['row / params.rowsPerToken + 1u', 'row / params.rowsPerToken']],
    ['index', 'a token sees the next one', ['row / params.rowsPerToken + 1u', 'row / params.rowsPerToken + 2u']],
    ['index', 'no window', ['valid - min(valid, params.window)', '0u']],
    [
      'index',
      'a window one too wide',
      ['min(valid, params.window)', 'min(valid, max(params.window, params.window + 1u))'],
    ],
    ['scale', 'no sinks', ['  if (params.hasSinks != 0u) {\n    total', '  if (false) {\n    total']],
    ['index', "every head by the first one's sink", ['sinks[row % params.rowsPerToken]', 'sinks[0]']],
    ['index', 'values from 64 on left out of the sum', ['sum += e;', 'sum += select(e, 0.0, i >= 64u);']],
    ['index', 'over the largest values only', SOFTMAX_AFTER_TOP_K],
    ['scale', 'a sum 1e-4 too large', ['y[first + i] / total', 'y[first + i] / (total * 1.0001)']],
    [
      'barrier',
      'maxima read before they are there',
      ['partialMax[lane] = highest;\n  workgroupBarrier();', 'partialMax[lane] = highest;'],
    ],
    [
      'barrier',
      'sums read before they are there',
      ['partials[lane] = own;\n  workgroupBarrier();', 'partials[lane] = own;'],
    ],
    ['index', 'a NaN left out', ['(bits & 0x7fffffffu) > 0x7f800000u', 'false']],
    ['rounding', 'a sum of f16', ['sum += e;', 'sum += quantizeToF16(e);']],
  ]),
];
