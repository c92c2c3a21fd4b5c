import { defectsOf, type Defect } from '../defect';

export const TOP_K_DEFECTS: readonly Defect[] = [
  ...defectsOf('top_k', [
    ['sign', 'ties to the higher index', ['other < expert', 'other > expert']],
    ['index', 'groups left alone', ['if (params.nOpen == 0u) {', 'if (true) {']],
    ['index', 'experts of other groups counted', ['other < expert)) && isOpen(token, other)', 'other < expert))']],
    ['index', 'the last group left out', ['i < (token + 1u) * params.nOpen', 'i + 1u < (token + 1u) * params.nOpen']],
    ['type', 'negative values not turned round', ['~bits, bits', 'bits, bits']],
    ['type', 'infinity taken for NaN', ['magnitude > 0x7f800000u', 'magnitude >= 0x7f800000u']],
    [
      'index',
      'one more, and the first dropped',
      ['if (rank < params.nUsed &&', 'if (rank >= 1u && rank <= params.nUsed &&'],
      ['params.nUsed + rank] = expert', 'params.nUsed + rank - 1u] = expert'],
    ],
  ]),
];
