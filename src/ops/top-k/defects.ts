import { defectsOf, type Defect } from '../defect';

export const TOP_K_DEFECTS: readonly Defect[] = [
  ...defectsOf('top_k', [
    ['sign', 'ties to the higher index', ['other < expert', 'other > expert']],
    ['type', 'negative values not turned round', ['~bits, bits', 'bits, bits']],
    ['type', 'infinity taken for NaN', ['magnitude > 0x7f800000u', 'magnitude >= 0x7f800000u']],
    [
      'index',
      'one more, and the first dropped',
      ['if (rank < params.nUsed) {', 'if (rank >= 1u && rank <= params.nUsed) {'],
      ['params.nUsed + rank] = expert', 'params.nUsed + rank - 1u] = expert'],
    ],
  ]),
];
