import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** The last weight for the earliest token. */
export const CONV_TURNED: Edit = [
  'weight[channel * params.taps + j]',
  'weight[channel * params.taps + (params.taps - 1u - j)]',
];
/** The earliest token of each window left out. */
export const CONV_SHORT: Edit = ['var j = 0u; j < params.taps', 'var j = 1u; j < params.taps'];
/** What came before a chunk is lost. */
export const CONV_FORGETS: Edit = ['value = before[at * params.channels + channel];', 'value = 0.0;'];

export const CONV1D_DEFECTS: readonly Defect[] = [
  ...defectsOf('conv1d', [
    ['index', 'the kernel turned round', CONV_TURNED],
    ['index', 'a window one token short', CONV_SHORT],
    ['index', 'zeros before each chunk', CONV_FORGETS],
    [
      'sign',
      'the current token taken off',
      [
        'sum += weight[channel * params.taps + j] * value',
        'sum += select(1.0, -1.0, j == params.taps - 1u) * weight[channel * params.taps + j] * value',
      ],
    ],
    [
      'rounding',
      'products in f16',
      ['weight[channel * params.taps + j] * value;', 'quantizeToF16(weight[channel * params.taps + j] * value);'],
    ],
  ]),
];
