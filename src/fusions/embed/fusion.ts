import type { KernelSpec } from '../../ops/kernel-spec';
import { CHUNK, weightLayout } from '../../ops/weight-layout';
import { QUANT_TYPES, type QuantType } from '../../types/types';
import {
  normBehind,
  noNormBehind,
  defineFusion,
  matrixSizes,
  placed,
  CAPTURES,
  tileOf,
  valuesOf,
  vectorOf,
  typeOf,
  weightOf,
} from '../fusion';
import { rowVec4s } from '../lane-groups';

/** Lanes of a workgroup, one for a chunk of weights. */
const LANES = 64;

const variantOf = (type: QuantType) => ({ id: type, includes: { weights: weightLayout(type).shader } });

export const EMBED = {
  ...{ file: 'fusions/embed.wgsl', entry: 'main' },
  ...{ inputs: ['token', 'gain'], weights: ['weights'], outputs: ['y', 'captures'] },
  params: { nIn: 'u32', rowVec4s: 'u32', firstRow: 'u32', rows: 'u32', captureEmbedding: 'u32' },
  variants: QUANT_TYPES.map(variantOf),
} as const satisfies KernelSpec;

/** The token's row of the embedding table, and what the first norm wants of it. */
export const embed = defineFusion({
  name: 'embed',
  covers: { row: { op: 'rows', inputs: [] } },
  leaves: ['row'],
  captures: { captureEmbedding: 'row' },
  kernels: [EMBED],
  when: (covered, facts) => noNormBehind(covered.nodes.row, covered, facts),
  reads: () => [],
  writes: ({ nodes: { row } }, facts) => [
    { ...placed('stream', row.out), squares: matrixSizes(row, facts).nIn / CHUNK },
  ],
  dispatches({ section, nodes: { row } }, facts) {
    const norm = normBehind(row.out, section, facts.graph);
    if (norm === undefined) return [];
    const { nIn } = matrixSizes(row, facts);
    const type = typeOf(row, facts);
    return facts.weights.matrix(weightOf(row)).map(({ firstRow, rows }, tile) => ({
      kernel: EMBED,
      variant: variantOf(type),
      bindings: {
        token: { kind: 'token' },
        gain: vectorOf(norm),
        weights: tileOf(row, tile),
        y: valuesOf('stream', row.out),
        captures: CAPTURES,
      },
      params: { nIn, rowVec4s: rowVec4s(type, nIn), firstRow, rows },
      grid: [Math.ceil(nIn / CHUNK / LANES), 1, 1],
    }));
  },
});
