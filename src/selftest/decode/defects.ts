import { defectsOf, type Defect } from '../../ops/defect';
import type { DefectKind } from '../../types/define-type';
import type { QuantType } from '../../types/types';

const BARRIER = 'workgroupBarrier();';

type Row = readonly [kind: DefectKind, what: string, from: string, to: string];

const of = (kernel: string, rows: readonly Row[], type?: QuantType): readonly Defect[] =>
  defectsOf(
    kernel,
    rows.map(([kind, what, from, to]) => [kind, what, [from, to]] as const),
    type,
  );

/** Of the kernels of a decoded token. */
export const DECODE_DEFECTS: readonly Defect[] = [
  ...of(
    'fusions/embed',
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
    'fusions/head',
    [
      ['sign', 'minima added', '- unit.scales.minimum[chunk] * total', '+ unit.scales.minimum[chunk] * total'],
      ['scale', 'odd bytes counted twice', '0.00390625 * (sums.y', '0.0078125 * (sums.y'],
      ['scale', 'eps left out', ' + params.eps', ''],
    ],
    'Q4_K',
  ),
  ...of('fusions/head', [['type', 'offset 31 instead of 32', '0x3fu, 32.0', '0x3fu, 31.0']], 'Q6_K'),
  ...of('fusions/head', [['type', 'signed bytes taken for unsigned', 'word ^ 0x80808080u', 'word']], 'Q8_0'),
  ...of('fusions/router', [['sign', 'keys of negative logits not turned round', '~bits, bits', 'bits, bits']], 'F32'),
  ...of(
    'fusions/qkv',
    [['index', 'v written over k', 'to = params.rowsA + params.rowsB', 'to = params.rowsA']],
    'Q8_0',
  ),
  ...of(
    'fusions/project',
    [
      ['sign', 'the residual lost its sign', 'before + product', 'before - product'],
      ['barrier', 'products read before they are there', `${BARRIER}\n  var square`, 'var square'],
    ],
    'Q8_0',
  ),
  ...of(
    'fusions/experts_in',
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
    'fusions/experts_out',
    [
      ['index', "every slot by the first slot's expert", 'route[slot] * params.rows', 'route[0] * params.rows'],
      ['scale', 'slots not weighted', 'slotWeights[s] * products', 'products'],
    ],
    'Q4_K',
  ),
  ...of(
    'fusions/experts_out',
    [['rounding', 'weights of slots in f16', 'sum += slotWeights[s] *', 'sum += quantizeToF16(slotWeights[s]) *']],
    'Q8_0',
  ),
  ...of('fusions/attention', [
    ['sign', 'turned the wrong way', 'low * turn.x - high * turn.y', 'low * turn.x + high * turn.y'],
    ['scale', 'the running output not rescaled', 'out *= shrink;', ''],
    ['index', 'heads dealt out to kv heads in turn', 'group.x / pieces', 'group.x % params.nHeadKv'],
    [
      'barrier',
      'slices read before they are there',
      `scores[slice] = sum;\n  }\n  ${BARRIER}`,
      'scores[slice] = sum;\n  }',
    ],
    ['index', 'pairs of neighbours a channel further', '2u * n + 1u, NEIGHBOURS', '2u * n + 2u, NEIGHBOURS'],
    ['scale', 'heads normed that are not', 'return raw[d];', 'return raw[d] * scales;'],
  ]),
  ...of('fusions/attention_shared', [
    ['scale', 'the running sum not rescaled', 'sum = sum * shrink +', 'sum = sum +'],
    ['index', 'every head by the first piece', 'kvHead * perKv + piece * HEADS', 'kvHead * perKv'],
    ['sign', 'turned the wrong way', 'normed.low * cosines - normed', 'normed.low * cosines + normed'],
    ['scale', 'the running output not rescaled', 'outs[h] *= shrinks[h];', ''],
    ['index', 'the own value taken for the one before', 'rowOf(a, b, n) >= position', 'rowOf(a, b, n) > position'],
    ['index', 'a NaN laid to the first head', 'atomicOr(&spoilt, 1u << h)', 'atomicOr(&spoilt, 1u)'],
    ['sign', 'neighbours turned the wrong way', 'vec4(-x.y, x.x, -x.w, x.z)', 'vec4(x.y, -x.x, x.w, -x.z)'],
    [
      'scale',
      'heads normed that are not',
      'Pair(qkv[raw + c], qkv[raw + d])',
      'Pair(qkv[raw + c] * scale, qkv[raw + d] * scale)',
    ],
  ]),
  ...of('fusions/attention_lane_groups', [
    ['scale', 'the running sum not rescaled', 'sum[h] = sum[h] * shrink + ((e.x', 'sum[h] = sum[h] + ((e.x'],
    ['scale', 'lane groups not weighted', 'exp(tops[h * LANE_GROUPS + t] - joined.x)', '1.0'],
    ['sign', 'turned the wrong way', 'normed.low * cosines - normed', 'normed.low * cosines + normed'],
    ['index', 'a key beyond the end counts', 'vec4(4u, 5u, 6u, 7u) < vec4(end)', 'vec4(4u, 5u, 6u, 7u) <= vec4(end)'],
    [
      'index',
      'the next values a lane group further',
      'nextV = valueRows(key + LANE_GROUPS * KEYS, key + LANE_GROUPS * KEYS + 4u',
      'nextV = valueRows(key + 8u + LANE_GROUPS * KEYS, key + 8u + LANE_GROUPS * KEYS + 4u',
    ],
    ['index', 'the own key taken by every split', 'let hasOwn = position < work.end &&', 'let hasOwn ='],
    [
      'index',
      'the second half by the angles of the first',
      'turnedNeighbours(normed.high, c + COLUMNS / 2u)',
      'turnedNeighbours(normed.high, c)',
    ],
    [
      'index',
      'a NaN laid to the first head',
      '1u << h);\n      }\n      if (params',
      '1u);\n      }\n      if (params',
    ],
  ]),
  ...of('fusions/attention_join', [['scale', 'splits not weighted', 'exp(pairs[s].x - top)', '1.0']]),
  ...of('sampling/argmax_parts', [['sign', 'ties to the higher index', 'b.y < a.y', 'b.y > a.y']]),
  ...of('sampling/argmax_last', [
    ['index', 'every second part of a lane left out', 'i += LANES', 'i += 2u * LANES'],
    [
      'barrier',
      'candidates read before they are there',
      `candidates[lane] = own;\n  ${BARRIER}`,
      'candidates[lane] = own;',
    ],
  ]),
];
