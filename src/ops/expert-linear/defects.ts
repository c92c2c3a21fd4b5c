import { defectsOf, type Defect } from '../defect';

export const EXPERT_LINEAR_DEFECTS: readonly Defect[] = [
  ...defectsOf('expert_linear_slots', [
    ['index', 'slots taken for tokens', ['vec2(slot / params.nUsed, slot)', 'vec2(slot, slot)']],
    [
      'barrier',
      'counts taken before they are zero',
      ['atomicStore(&counts[e], 0u);\n  }\n  workgroupBarrier();', 'atomicStore(&counts[e], 0u);\n  }'],
    ],
    [
      'barrier',
      'shares read before they are there',
      ['shares[lane] = mine;\n  workgroupBarrier();', 'shares[lane] = mine;'],
    ],
  ]),
  ...defectsOf(
    'linear_naive naive',
    [
      ['index', 'every expert by the first matrix', ['(entry.x >> 2u) + o', 'o']],
      ['index', 'a row of y for a row of x', ['rows[entry.y + t].y *', 'rows[entry.y + t].x *']],
      ['index', 'a row of x for its place in the entry', ['rows[entry.y + t].x *', 't *']],
    ],
    'F32',
  ),
];
