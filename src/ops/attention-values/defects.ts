import { defectsOf, type Defect } from '../defect';
import type { Edit } from '../kernel-spec';

/** Head h reads kv head h % nHeadKv, not h / headsPerKv. */
export const VALUES_MODULO: Edit = [
  '(row - token * params.nHead) / params.headsPerKv',
  '(row - token * params.nHead) % (params.nHead / params.headsPerKv)',
];

export const ATTENTION_VALUES_DEFECTS: readonly Defect[] = [
  ...defectsOf('attention_values', [
    ['index', 'the newest key left out', ['+ token + 1u)', '+ token)']],
    ['index', 'a window one too wide', ['min(end, params.window)', 'min(end, max(params.window, params.window + 1u))']],
    ['index', 'no window', ['end - min(end, params.window)', '0u']],
    ['index', 'positions counted from the chunk', ['params.firstPosition + token + 1u', 'token + 1u']],
    ['index', 'heads dealt out to kv heads in turn', VALUES_MODULO],
    [
      'rounding',
      'probabilities in f16',
      ['fma(p[row * params.nKeys + key], values', 'fma(quantizeToF16(p[row * params.nKeys + key]), values'],
    ],
  ]),
  ...defectsOf('attention_values_split', [
    ['index', 'no window', ['end - min(end, params.window)', '0u']],
    ['index', 'the last slice left out', ['s < SLICES', 's + 1u < SLICES']],
    ['index', 'heads dealt out to kv heads in turn', VALUES_MODULO],
    ['barrier', 'slices read before they are there', ['workgroupBarrier();', '']],
  ]),
];
