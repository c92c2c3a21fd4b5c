import { defectsOf, type Defect } from '../../ops/defect';

/** Of the engine's kernels that are no operation's. */
export const ENGINE_DEFECTS: readonly Defect[] = [
  ...defectsOf('copy_rows', [
    ['index', 'an offset forgotten', ['+ params.xOffset +', '+']],
    [
      'rounding',
      'values in f16',
      [
        '] = x[row * params.xStride + params.xOffset + (index - row * params.rowLength)];',
        '] = bitcast<u32>(quantizeToF16(bitcast<f32>(x[row * params.xStride + params.xOffset + (index - row * params.rowLength)])));',
      ],
    ],
    [
      'rounding',
      'three bits of the mantissa kept',
      ['(index - row * params.rowLength)];', '(index - row * params.rowLength)] & 0xfff00000u;'],
    ],
  ]),
  ...defectsOf('repack_plane', [
    ['index', "every plane from the block's beginning", [' + params.origin', '']],
    ['type', 'bytes of seven bits', ['& 255u', '& 127u']],
  ]),
  ...defectsOf('fusions/attention_tiled', [
    [
      'index',
      'a NaN of one row in all of a lane',
      ['spoilt[j] = spoilt[j] || found.y != 0.0;', 'spoilt = spoilt | vec4(found.y != 0.0);'],
    ],
    [
      'index',
      'keys read with the swizzle of rows',
      [
        'keyTile[(place.keyLane % 8u + 8u * r) * 8u + (i ^ place.keyLane) % 8u]',
        'keyTile[(place.keyLane % 8u + 8u * r) * 8u + (i ^ (place.keyLane % 4u)) % 8u]',
      ],
    ],
    [
      'index',
      'the first key of every tile but the first left out',
      ['if (key < seen[j]) {', 'if (key < seen[j] && (key == 0u || key % KEYS != 0u)) {'],
    ],
    ['scale', 'no division by the sum', ['e / totals[j]', 'e']],
    [
      'rounding',
      'probabilities in bf16',
      ['= e / totals[j]', '= bitcast<f32>(bitcast<u32>(e / totals[j]) & 0xffff0000u)'],
    ],
    [
      'barrier',
      'a tile of keys overwritten while it is read',
      ['HEAD_CHUNKS; c++) {\n    workgroupBarrier();', 'HEAD_CHUNKS; c++) {'],
    ],
    [
      'barrier',
      'a tile of keys read before it is there',
      ['params.scale;\n    }\n    workgroupBarrier();', 'params.scale;\n    }'],
    ],
    [
      'barrier',
      'maxima written over rows that are read',
      [
        '  workgroupBarrier();\n  for (var j = 0u; j < LANE_ROWS; j++) {\n    rowTile[',
        '  for (var j = 0u; j < LANE_ROWS; j++) {\n    rowTile[',
      ],
    ],
    [
      'barrier',
      'maxima read before they are there',
      ['spoilt[j]), 0.0, 0.0);\n  }\n  workgroupBarrier();', 'spoilt[j]), 0.0, 0.0);\n  }'],
    ],
    [
      'barrier',
      'sums written over what is read',
      ['half < 2u; half++) {\n    workgroupBarrier();', 'half < 2u; half++) {'],
    ],
    [
      'barrier',
      'sums read before they are there',
      ['+ 4u * half + r];\n      }\n    }\n    workgroupBarrier();', '+ 4u * half + r];\n      }\n    }'],
    ],
    ['barrier', 'probabilities written over what is read', ['32u * half;\n      workgroupBarrier();', '32u * half;']],
    [
      'barrier',
      'probabilities read before they are there',
      ['totals[j];\n        }\n      }\n      workgroupBarrier();', 'totals[j];\n        }\n      }'],
    ],
  ]),
];
