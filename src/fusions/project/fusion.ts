import type { KernelSpec } from '../../ops/kernel-spec';
import type { QuantType } from '../../types/types';
import type { TeamShape } from '../choice';
import {
  defineFusion,
  isSplit,
  matrixSizes,
  noNormBehind,
  normBehind,
  placed,
  TAPS,
  tileOf,
  valuesOf,
  vectorOf,
  weightOf,
  type PlanFacts,
} from '../fusion';
import type { Node } from '../../arch/graph';
import { rowTeams, rowUnits, rowVec4s, teamVariant } from '../teams';

export const PROJECT = {
  ...{ file: 'fusions/project.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['x', 'residual', 'gain'], weights: ['weights'], outputs: ['y', 'taps'] },
  params: { batches: 'u32', rows: 'u32', step: 'u32', tapProduct: 'u32', tapSum: 'u32' },
} as const satisfies KernelSpec;

/** Teams that share a row: enough for a unit a lane, if a workgroup has as many. */
export function teamsPerRow({ lanes, group }: TeamShape, units: number): number {
  let teams = 1;
  while (teams * lanes < units && 2 * teams * lanes <= group) teams *= 2;
  return teams;
}

/** How the rows of a projection are shared out. */
function sharing(
  product: Node<'linear'>,
  facts: PlanFacts,
): { readonly type: QuantType; readonly share: number; readonly groups: number } {
  const { project: team } = facts.choice.teams;
  const { nIn, nOut } = matrixSizes(product, facts);
  const { type } = facts.weights.matrix(weightOf(product));
  const share = teamsPerRow(team, rowUnits(type, nIn));
  return { type, share, groups: Math.ceil(nOut / (rowTeams(team, share) * team.batches)) };
}

/** Output projection and residual. */
export const project = defineFusion({
  name: 'project',
  covers: {
    product: { op: 'linear', inputs: ['x'] },
    sum: { op: 'add', inputs: ['residual', 'product'] },
  },
  leaves: ['sum'],
  captures: { tapProduct: 'product', tapSum: 'sum' },
  kernels: [PROJECT],
  when: (covered, facts) => isSplit(covered.nodes.product, facts) ?? noNormBehind(covered.nodes.sum, covered, facts),
  reads: ({ value }) => [placed('folded', value('x')), placed('stream', value('residual'))],
  writes: ({ nodes: { product, sum } }, facts) => [
    { ...placed('stream', sum.out), squares: sharing(product, facts).groups },
  ],
  dispatches({ section, value, nodes: { product, sum } }, facts) {
    const { choice, graph } = facts;
    const { project: team } = choice.teams;
    const norm = normBehind(sum.out, section, graph);
    if (norm === undefined) return [];
    const { nIn, nOut } = matrixSizes(product, facts);
    const { type, share, groups } = sharing(product, facts);
    return [
      {
        kernel: PROJECT,
        variant: teamVariant(choice, team, { nIn, types: { '': type }, constants: { SHARE: share } }),
        bindings: {
          x: valuesOf('folded', value('x')),
          residual: valuesOf('stream', value('residual')),
          gain: vectorOf(norm),
          weights: tileOf(product),
          y: valuesOf('stream', sum.out),
          taps: TAPS,
        },
        params: { batches: team.batches, rows: nOut, step: rowVec4s(type, nIn) },
        grid: [groups, 1, 1],
      },
    ];
  },
});
