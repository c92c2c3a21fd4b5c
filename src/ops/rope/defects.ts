import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Channels 2i and 2i + 1 of a head turn together, not i and i + pairs, or the other way round, in the tokens that are struck. */
export const ROPE_INTERLEAVED: readonly Edit[] = [
  [
    'let at = row * params.headDim + pair * params.step;',
    `let isStruck = struck(row / params.heads);
  let at = row * params.headDim + select(pair * params.step, pair * (3u - params.step), isStruck);`,
  ],
  [
    'let other = at + params.apart;',
    'let other = at + select(params.apart, select(1u, params.pairs, params.apart == 1u), isStruck);',
  ],
];

export const ROPE_DEFECTS: readonly Defect[] = [
  ...defectsOf('rope', [
    ['sign', 'turned the wrong way', ['low * turn.x - high * turn.y', 'low * turn.x + high * turn.y']],
    [
      'index',
      'every token at the first position',
      ['table[(row / params.heads) * params.pairs + pair]', 'table[pair]'],
    ],
    ['index', 'neighbours paired instead of halves', ['let high = x[other];', 'let high = x[at + 1u];']],
    ['index', 'channels 2i and 2i + 1 are a pair', ...ROPE_INTERLEAVED],
    [
      'index',
      'only the first half of the pairs turns',
      [
        'let turn = table[(row / params.heads) * params.pairs + pair];',
        'let turn = select(table[(row / params.heads) * params.pairs + pair], vec2(1.0, 0.0), pair >= (params.pairs + 1u) / 2u);',
      ],
    ],
    [
      'index',
      'channels behind the pairs are lost',
      ['let channel = row * params.headDim + params.pairs + pair;', 'let channel = row * params.headDim + pair;'],
    ],
    ['rounding', 'half of the channels in f16', ['let low = x[at];', 'let low = quantizeToF16(x[at]);']],
  ]),
];
