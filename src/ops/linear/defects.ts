import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

const GUARDED_READ = `let at = min(k, vec4(params.nIn - 1u)) + row;
  return select(vec4(0.0), vec4(x[at.x], x[at.y], x[at.z], x[at.w]), k < vec4(params.nIn));`;

/** How linear_naive.wgsl adds the product of vec4 i of a chunk. */
const product = (i: number): string => `dot(w[${i}], xColumn(at, chunkColumn(u, c, ${i}u)))`;

/** Every sum of a row rounded to half precision, in order of its vec4s; shader-f16 is not needed. */
export const F16_SUMS: readonly Edit[] = [
  [`var sum = ${product(0)};`, `var sum = quantizeToF16(sums[t] + ${product(0)});`],
  ...[1, 2, 3, 4, 5, 6, 7].map((i): Edit => [`sum += ${product(i)};`, `sum = quantizeToF16(sum + ${product(i)});`]),
  ['sums[t] += sum;', 'sums[t] = sum;'],
];

export const LINEAR_DEFECTS: readonly Defect[] = [
  ...defectsOf(
    'linear_naive naive',
    [
      ['sign', 'sums subtracted', ['sums[t] += sum', 'sums[t] -= sum']],
      ['index', 'a column read twice', ['chunkColumn(u, c, 5u)', 'chunkColumn(u, c, 4u)']],
      ['index', 'a row of W too many', ['o >= params.nOut', 'o > params.nOut']],
      ['index', 'the last unit of a row left out', ['u < units', 'u + 1u < units']],
      ['index', 'an offset of y forgotten', [' + params.yOffset', '']],
      [
        'index',
        'x read beyond the row',
        [GUARDED_READ, 'let at = k + row;\n  return vec4(x[at.x], x[at.y], x[at.z], x[at.w]);'],
      ],
      ['index', 'the last row of an entry left out', ['min(entry.z, TOKENS)', 'min(entry.z, TOKENS) - 1u']],
      [
        'index',
        'the last row of an entry that is not full left out',
        ['min(entry.z, TOKENS)', 'min(entry.z, TOKENS) - select(0u, 1u, entry.z > 2u && entry.z < TOKENS)'],
      ],
      [
        'index',
        'the last workgroup of a large matrix left out',
        ['o >= params.nOut', 'o >= params.nOut || (params.nOut > 1000u && o >= params.nOut / 64u * 64u)'],
      ],
      ['index', 'added to what the buffer held', ['+ o] = sums[t]', '+ o] += sums[t]']],
      ['scale', 'one row off by 1e-4', ['+ o] = sums[t]', '+ o] = sums[t] * select(1.0, 1.0001, o == 17u)']],
      ['scale', 'one row off by 1 %', ['+ o] = sums[t]', '+ o] = sums[t] * select(1.0, 1.01, o == 17u)']],
      ['rounding', 'sums of f16', ['sums[t] += sum', 'sums[t] += quantizeToF16(sum)']],
      ['rounding', 'every sum in half precision', ...F16_SUMS],
      ['rounding', 'sums of 14 bits', ['sums[t] += sum', 'sums[t] += bitcast<f32>(bitcast<u32>(sum) & 0xfffffc00u)']],
      [
        'rounding',
        'x in f16',
        [
          'return select(vec4(0.0), vec4(x[at.x], x[at.y], x[at.z], x[at.w])',
          'return select(vec4(0.0), quantizeToF16(vec4(x[at.x], x[at.y], x[at.z], x[at.w]))',
        ],
      ],
    ],
    'F32',
  ),
  ...defectsOf(
    'linear_naive lane',
    [
      ['index', 'an offset of x forgotten', [' + params.xOffset', '']],
      [
        'index',
        'rows of W a vec4 short where they are no multiple of 256',
        ['o * params.rowVec4s', 'o * (params.rowVec4s - select(0u, 1u, params.nIn % 256u != 0u))'],
      ],
      ['rounding', 'x in f16', ['return x[row + column];', 'return quantizeToF16(x[row + column]);']],
    ],
    'Q8_0',
  ),
  ...defectsOf(
    'linear_lane_group workgroup',
    [
      ['index', 'every second unit of a lane left out', ['u += LANES', 'u += 2u * LANES']],
      ['index', 'a sum without its last lane', ['k < LANES', 'k + 1u < LANES']],
      ['barrier', 'partial sums read before they are there', ['workgroupBarrier();', '']],
    ],
    'Q4_K',
  ),
  ...defectsOf(
    'linear_lane_group subgroup',
    [['index', 'a butterfly without its last step', ['step > 0u', 'step > 1u']]],
    'Q4_K',
  ),
  ...defectsOf(
    'linear_tile tile',
    [
      ['index', 'rows of x left out of wide entries', ['count > 16u', 'count > 24u']],
      [
        'index',
        'the last row of an entry that is not full left out',
        ['t < count', 't + select(0u, 1u, count > 2u && count < TOKENS) < count'],
      ],
      ['index', 'the walk along a row ends early', ['u < units; u++', 'u + 1u < units; u++']],
      [
        'index',
        'a row of W fetched for another',
        ['min(firstRow + lane % ROWS, params.nOut - 1u)', 'min(firstRow + lane % (ROWS - 1u), params.nOut - 1u)'],
      ],
      [
        'index',
        'a row of x fetched for another',
        ['min(lane / 8u + 8u * n, count - 1u)', 'min(lane / 8u + 8u * min(n, 0u), count - 1u)'],
      ],
      ['index', 'a chunk fetched twice', ['(c + 1u) % CHUNKS', 'c']],
      ['index', 'a unit fetched twice', ['min(u + 1u, units - 1u)', 'u']],
      [
        'barrier',
        'a tile read before it is there',
        [
          'nextX[n] = x[xAt[n] + column];\n      }\n      workgroupBarrier();',
          'nextX[n] = x[xAt[n] + column];\n      }',
        ],
      ],
      [
        'barrier',
        'a tile overwritten while it is read',
        ['workgroupBarrier();\n    }\n  }\n  for (var j', '}\n  }\n  for (var j'],
      ],
    ],
    'Q4_K',
  ),
];
