import type { DefectKind } from '../types/define-type';
import { TYPES, type QuantType } from '../types/types';

/** What a defect is about. */
export { DEFECT_KINDS as MUTATION_KINDS, type DefectKind as MutationKind } from '../types/define-type';

/** One defect, made on purpose in the text of a kernel as it is compiled. */
export interface Mutation {
  readonly kernel: string;
  readonly kind: DefectKind;
  /** What goes wrong. */
  readonly what: string;
  /** The cases with this type only. */
  readonly type?: QuantType;
  /** Must occur exactly once in the kernel's text, includes in place. */
  readonly from: string;
  readonly to: string;
}

type Row = readonly [kind: DefectKind, what: string, from: string, to: string];

const of = (kernel: string, rows: readonly Row[], type?: QuantType): readonly Mutation[] =>
  rows.map(([kind, what, from, to]) => ({ kernel, kind, what, from, to, ...(type === undefined ? {} : { type }) }));

const BARRIER = 'workgroupBarrier();';

/** THE DEFECTS. `docs/selftest.md` lists them, `tests/selftest/mutations.test.ts` proves that each turns the self-test red. */
export const MUTATIONS: readonly Mutation[] = [
  ...of('add', [['sign', 'b subtracted', 'y[i] = a[i] + b[i];', 'y[i] = a[i] - b[i];']]),
  ...of('swiglu', [
    ['sign', 'sigmoid of -g', 'g < 0.0', 'g > 0.0'],
    ['rounding', 'exp in f16', 'exp(-abs(g))', 'quantizeToF16(exp(-abs(g)))'],
  ]),
  ...of('weighted_sum', [
    ['index', "every token by the first token's weights", 'weights[token * params.nUsed + slot]', 'weights[slot]'],
    ['index', 'the last slot left out', 'slot < params.nUsed', 'slot + 1u < params.nUsed'],
  ]),
  ...of('rope', [
    ['sign', 'turned the wrong way', 'low * turn.x - high * turn.y', 'low * turn.x + high * turn.y'],
    ['index', 'every token at the first position', 'table[(row / params.heads) * params.pairs + pair]', 'table[pair]'],
    ['index', 'neighbours paired instead of halves', 'let high = x[at + params.pairs];', 'let high = x[at + 1u];'],
    ['rounding', 'half of the channels in f16', 'let low = x[at];', 'let low = quantizeToF16(x[at]);'],
  ]),
  ...of('copy_rows', [['index', 'an offset forgotten', '+ params.xOffset +', '+']]),
  ...of('rmsnorm', [
    ['scale', 'eps left out', ' + params.eps', ''],
    ['scale', 'a mean over 64 whatever the length', 'f32(params.rowLength)', 'f32(LANES)'],
    ['index', 'the last partial sum left out', 'l < LANES', 'l + 1u < LANES'],
    ['barrier', 'partial sums read before they are there', BARRIER, ''],
    ['rounding', 'squares in f16', 'sum += value * value', 'sum += quantizeToF16(value * value)'],
  ]),
  ...of('softmax', [
    ['sign', 'the maximum added', 'let e = exp(x[first + i] - highest)', 'let e = exp(x[first + i] + highest)'],
    ['index', 'a token does not see itself', 'row / params.rowsPerToken + 1u', 'row / params.rowsPerToken'],
    ['scale', 'a sum 1e-4 too large', 'y[first + i] / total', 'y[first + i] / (total * 1.0001)'],
    [
      'barrier',
      'maxima read before they are there',
      `partialMax[lane] = highest;\n  ${BARRIER}`,
      'partialMax[lane] = highest;',
    ],
    ['barrier', 'sums read before they are there', `partialSum[lane] = sum;\n  ${BARRIER}`, 'partialSum[lane] = sum;'],
    ['rounding', 'a sum of f16', 'sum += e;', 'sum += quantizeToF16(e);'],
  ]),
  ...of('top_k', [
    ['sign', 'ties to the higher index', 'other < expert', 'other > expert'],
    ['type', 'negative values not turned round', '~bits, bits', 'bits, bits'],
    ['type', 'infinity taken for NaN', 'magnitude > 0x7f800000u', 'magnitude >= 0x7f800000u'],
  ]),
  ...of('normalise', [
    ['scale', 'no smallest sum', 'max(sum, SMALLEST_SUM)', 'sum'],
    ['index', "every token by the first token's experts", 'indices[first + slot]', 'indices[slot]'],
  ]),
  ...of('expert_linear_slots', [
    ['index', 'slots taken for tokens', 'vec2(slot / params.nUsed, slot)', 'vec2(slot, slot)'],
    ['barrier', 'shares read before they are there', `shares[lane] = mine;\n  ${BARRIER}`, 'shares[lane] = mine;'],
  ]),
  ...of('attention_scores', [
    [
      'index',
      'heads dealt out to kv heads in turn',
      'head / params.headsPerKv',
      'head % (params.nHead / params.headsPerKv)',
    ],
    ['scale', 'no 1 / sqrt(headDim)', 'q[qFirst + d] * scale', 'q[qFirst + d]'],
    ['index', "a token's own score left out", '+ token + 1u + params.future', '+ token + params.future'],
  ]),
  ...of('attention_values', [['index', 'the newest key left out', '+ token + 1u)', '+ token)']]),
  ...of('attention_values_split', [
    ['index', 'the last slice left out', 's < SLICES', 's + 1u < SLICES'],
    ['barrier', 'slices read before they are there', BARRIER, ''],
  ]),
  ...of('attention_tiled', [
    [
      'index',
      'keys read with the swizzle of rows',
      'keyTile[(place.keyLane % 8u + 8u * r) * 8u + (i ^ place.keyLane) % 8u]',
      'keyTile[(place.keyLane % 8u + 8u * r) * 8u + (i ^ (place.keyLane % 4u)) % 8u]',
    ],
    ['scale', 'no division by the sum', 'e / totals[j]', 'e'],
  ]),
  ...TYPES.flatMap(({ name, defects }) =>
    defects.map((defect): Mutation => ({ ...defect, kernel: 'rows', type: name })),
  ),
  ...of('repack_plane', [
    ['index', "every plane from the block's beginning", ' + params.origin', ''],
    ['type', 'bytes of seven bits', '& 255u', '& 127u'],
  ]),
  ...of(
    'linear_naive naive',
    [
      ['sign', 'sums subtracted', 'sums[t] += sum', 'sums[t] -= sum'],
      ['index', 'a column read twice', 'chunkColumn(u, c, 5u)', 'chunkColumn(u, c, 4u)'],
      ['index', 'a row of y for a row of x', 'rows[entry.y + t].y *', 'rows[entry.y + t].x *'],
      ['index', 'every expert by the first matrix', '(entry.x >> 2u) + o', 'o'],
      ['index', 'a row of W too many', 'o >= params.nOut', 'o > params.nOut'],
      ['index', 'the last unit of a row left out', 'u < units', 'u + 1u < units'],
      ['rounding', 'sums of f16', 'sums[t] += sum', 'sums[t] += quantizeToF16(sum)'],
    ],
    'F32',
  ),
  ...of('linear_naive lane', [['index', 'an offset of x forgotten', ' + params.xOffset', '']], 'Q8_0'),
  ...of(
    'linear_team team',
    [
      ['index', 'every second unit of a lane left out', 'u += LANES', 'u += 2u * LANES'],
      ['barrier', 'partial sums read before they are there', BARRIER, ''],
    ],
    'Q4_K',
  ),
  ...of('linear_team subgroup', [['index', 'a butterfly without its last step', 'step > 0u', 'step > 1u']], 'Q4_K'),
  ...of(
    'linear_tile tile',
    [
      ['index', 'rows of x left out of wide entries', 'count > 16u', 'count > 24u'],
      [
        'barrier',
        'a tile overwritten while it is read',
        `${BARRIER}\n    }\n  }\n  for (var j`,
        '}\n  }\n  for (var j',
      ],
    ],
    'Q4_K',
  ),
  ...of(
    'decode/embed',
    [
      [
        'index',
        'the row counted from the table of another part',
        'token[0] - params.firstRow',
        'token[0] % params.rows',
      ],
    ],
    'Q8_0',
  ),
  ...of(
    'decode/head',
    [
      ['sign', 'minima added', '- unit.scales.minimum[chunk] * total', '+ unit.scales.minimum[chunk] * total'],
      ['scale', 'odd bytes counted twice', '0.00390625 * (sums.y', '0.0078125 * (sums.y'],
      ['scale', 'eps left out', ' + params.eps', ''],
    ],
    'Q4_K',
  ),
  ...of('decode/head', [['type', 'offset 31 instead of 32', '0x3fu, 32.0', '0x3fu, 31.0']], 'Q6_K'),
  ...of('decode/head', [['type', 'signed bytes taken for unsigned', 'word ^ 0x80808080u', 'word']], 'Q8_0'),
  ...of('decode/router', [['sign', 'keys of negative logits not turned round', '~bits, bits', 'bits, bits']], 'F32'),
  ...of('decode/qkv', [['index', 'v written over k', 'to = params.rowsA + params.rowsB', 'to = params.rowsA']], 'Q8_0'),
  ...of(
    'decode/project',
    [
      ['sign', 'the residual lost its sign', 'before + product', 'before - product'],
      ['barrier', 'products read before they are there', `${BARRIER}\n  var square`, 'var square'],
    ],
    'Q8_0',
  ),
  ...of(
    'decode/experts_in',
    [
      [
        'index',
        'ties to the higher index',
        'vec4(0u, 1u, 2u, 3u) < vec4(expert)',
        'vec4(0u, 1u, 2u, 3u) > vec4(expert)',
      ],
      ['index', 'an expert chosen again', 'select(keys[i], vec4(0u), expertsOf', 'select(keys[i], keys[i], expertsOf'],
      ['index', "the best among a lane's first keys only", 'four = max(four, keys[i])', 'four = keys[0]'],
      ['sign', 'sigmoid of -g', 'g < 0.0', 'g > 0.0'],
      ['barrier', 'parts of the sum read before they are there', `${BARRIER}\n  // Eight lanes`, '// Eight lanes'],
    ],
    'Q4_K',
  ),
  ...of(
    'decode/experts_out',
    [
      ['index', "every slot by the first slot's expert", 'route[slot] * params.rows', 'route[0] * params.rows'],
      ['scale', 'slots not weighted', 'slotWeights[s] * products', 'products'],
    ],
    'Q4_K',
  ),
  ...of(
    'decode/experts_out',
    [['rounding', 'weights of slots in f16', 'sum += slotWeights[s] *', 'sum += quantizeToF16(slotWeights[s]) *']],
    'Q8_0',
  ),
  ...of('decode/attention', [
    ['sign', 'turned the wrong way', 'low * turn.x - high * turn.y', 'low * turn.x + high * turn.y'],
    ['scale', 'the running output not rescaled', 'out *= shrink;', ''],
    ['index', 'heads dealt out to kv heads in turn', 'head / perKv', 'head % params.nHeadKv'],
    [
      'barrier',
      'slices read before they are there',
      `scores[slice] = sum;\n  }\n  ${BARRIER}`,
      'scores[slice] = sum;\n  }',
    ],
  ]),
  ...of('decode/attention_shared', [
    ['scale', 'the running sum not rescaled', 'sum = sum * shrink +', 'sum = sum +'],
    ['index', 'every head by the first piece', 'kvHead * perKv + piece * HEADS', 'kvHead * perKv'],
    ['sign', 'turned the wrong way', 'low * cosines - high * sines', 'low * cosines + high * sines'],
    ['scale', 'the running output not rescaled', 'outs[h] *= shrinks[h];', ''],
    ['index', 'the own value taken for the one before', 'rowOf(a, b, n) >= position', 'rowOf(a, b, n) > position'],
  ]),
  ...of('decode/attention_teams', [
    ['scale', 'the running sum not rescaled', 'sum[h] = sum[h] * shrink + ((e.x', 'sum[h] = sum[h] + ((e.x'],
    ['scale', 'teams not weighted', 'exp(tops[h * TEAMS + t] - joined.x)', '1.0'],
    ['sign', 'turned the wrong way', 'select(partner, -partner,', 'select(-partner, partner,'],
    ['index', 'a key beyond the end counts', 'vec4(4u, 5u, 6u, 7u) < vec4(end)', 'vec4(4u, 5u, 6u, 7u) <= vec4(end)'],
    ['index', 'the next values a team further', 'nextV = valueRows(key + TEAMS', 'nextV = valueRows(key + 8u + TEAMS'],
    ['index', 'the own key taken by every split', 'let hasOwn = position < firstKey + perSplit &&', 'let hasOwn ='],
  ]),
  ...of('decode/attention_join', [['scale', 'splits not weighted', 'exp(pairs[s].x - top)', '1.0']]),
  ...of('decode/argmax_parts', [['sign', 'ties to the higher index', 'b.y < a.y', 'b.y > a.y']]),
  ...of('decode/argmax_last', [
    ['index', 'every second part of a lane left out', 'i += LANES', 'i += 2u * LANES'],
    [
      'barrier',
      'candidates read before they are there',
      `candidates[lane] = own;\n  ${BARRIER}`,
      'candidates[lane] = own;',
    ],
  ]),
];
