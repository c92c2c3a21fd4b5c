import type { KernelSpec } from '../../ops/kernel-spec';
import type { QuantType } from '../../types/types';
import type { LaneGroupShape } from '../choice';
import {
  defineFusion,
  isSplit,
  matrixSizes,
  noNormBehind,
  normBehind,
  placed,
  CAPTURES,
  tileOf,
  valuesOf,
  vectorOf,
  typeOf,
  type PlanFacts,
} from '../fusion';
import type { Node } from '../../arch/graph';
import { rowLaneGroups, rowUnits, rowVec4s, laneGroupVariant } from '../lane-groups';

export const PROJECT = {
  ...{ file: 'fusions/project.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['x', 'residual', 'gain'], weights: ['weights'], outputs: ['y', 'captures'] },
  params: { batches: 'u32', rows: 'u32', step: 'u32', captureProduct: 'u32', captureSum: 'u32' },
} as const satisfies KernelSpec;

/** Lane groups that share a row: enough for a unit a lane, if a workgroup has as many. */
export function laneGroupsPerRow({ lanes, group }: LaneGroupShape, units: number): number {
  let laneGroups = 1;
  while (laneGroups * lanes < units && 2 * laneGroups * lanes <= group) laneGroups *= 2;
  return laneGroups;
}

/** How the rows of a projection are shared out. */
function sharing(
  product: Node<'linear'>,
  facts: PlanFacts,
): { readonly type: QuantType; readonly share: number; readonly groups: number } {
  const { project: laneGroup } = facts.choice.laneGroups;
  const { nIn, nOut } = matrixSizes(product, facts);
  const type = typeOf(product, facts);
  const share = laneGroupsPerRow(laneGroup, rowUnits(type, nIn));
  return { type, share, groups: Math.ceil(nOut / (rowLaneGroups(laneGroup, share) * laneGroup.batches)) };
}

/** Output projection and residual. */
export const project = defineFusion({
  name: 'project',
  covers: {
    product: { op: 'linear', inputs: ['x'] },
    sum: { op: 'add', inputs: ['residual', 'product'] },
  },
  leaves: ['sum'],
  captures: { captureProduct: 'product', captureSum: 'sum' },
  kernels: [PROJECT],
  when: (covered, facts) => isSplit(covered.nodes.product, facts) ?? noNormBehind(covered.nodes.sum, covered, facts),
  reads: ({ value }) => [placed('folded', value('x')), placed('stream', value('residual'))],
  writes: ({ nodes: { product, sum } }, facts) => [
    { ...placed('stream', sum.out), squares: sharing(product, facts).groups },
  ],
  dispatches({ section, value, nodes: { product, sum } }, facts) {
    const { choice, graph } = facts;
    const { project: laneGroup } = choice.laneGroups;
    const norm = normBehind(sum.out, section, graph);
    if (norm === undefined) return [];
    const { nIn, nOut } = matrixSizes(product, facts);
    const { type, share, groups } = sharing(product, facts);
    return [
      {
        kernel: PROJECT,
        variant: laneGroupVariant(choice, laneGroup, { nIn, types: { '': type }, constants: { SHARE: share } }),
        bindings: {
          x: valuesOf('folded', value('x')),
          residual: valuesOf('stream', value('residual')),
          gain: vectorOf(norm),
          weights: tileOf(product),
          y: valuesOf('stream', sum.out),
          captures: CAPTURES,
        },
        params: { batches: laneGroup.batches, rows: nOut, step: rowVec4s(type, nIn) },
        grid: [groups, 1, 1],
      },
    ];
  },
});
