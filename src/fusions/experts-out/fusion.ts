import type { Node } from '../../arch/graph';
import type { KernelSpec } from '../../ops/kernel-spec';
import type { TeamShape } from '../choice';
import { lastAxis } from '../forms';
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
import { rowTeams, rowVec4s, teamVariant } from '../teams';

export const EXPERTS_OUT = {
  ...{ file: 'fusions/experts_out.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['x', 'route', 'residual', 'gain'], weights: ['weights'], outputs: ['y', 'taps'] },
  params: { batches: 'u32', rows: 'u32', step: 'u32', tapExperts: 'u32', tapSum: 'u32', tapResidual: 'u32' },
} as const satisfies KernelSpec;

/** Lanes of a workgroup: every slot has its teams, as many as about `team.group` lanes hold. */
export function outGroup(team: TeamShape, nUsed: number): number {
  return team.lanes * nUsed * Math.max(1, Math.floor(team.group / (team.lanes * nUsed)));
}

/** Slots, lanes and workgroups of a down projection. */
function sizesOf(y: Node<'expert-linear'>, facts: PlanFacts) {
  const { choice, graph } = facts;
  const [, chosen] = y.inputs;
  const nUsed = chosen === undefined ? 1 : lastAxis(chosen, graph.sizes);
  const team = { ...choice.teams['experts-out'], group: outGroup(choice.teams['experts-out'], nUsed) };
  const { nIn, nOut } = matrixSizes(y, facts);
  return { nUsed, team, nIn, nOut, groups: Math.ceil(nOut / (rowTeams(team, nUsed) * team.batches)) };
}

/** Down, the weighted sum over slots, residual. */
export const expertsOut = defineFusion({
  name: 'experts-out',
  covers: {
    y: { op: 'expert-linear', inputs: ['hidden', 'chosen'] },
    sum: { op: 'weighted-sum', inputs: ['share', 'y'] },
    out: { op: 'add', inputs: ['residual', 'sum'] },
  },
  leaves: ['out'],
  captures: { tapExperts: 'y', tapSum: 'sum', tapResidual: 'out' },
  kernels: [EXPERTS_OUT],
  when(covered, facts) {
    const { y, out } = covered.nodes;
    const { nUsed, team } = sizesOf(y, facts);
    if (team.group > facts.workgroupLanes) {
      const reason = `${nUsed} experts a token take workgroups of ${team.group} lanes; this adapter allows ${facts.workgroupLanes}`;
      return { node: y, reason };
    }
    return isSplit(y, facts) ?? noNormBehind(out, covered, facts);
  },
  reads: ({ value }) => [
    placed('folded', value('hidden')),
    placed('route', value('chosen'), value('share')),
    placed('stream', value('residual')),
  ],
  writes: ({ nodes: { y, out } }, facts) => [{ ...placed('stream', out.out), squares: sizesOf(y, facts).groups }],
  dispatches({ section, value, nodes: { y, out } }, facts) {
    const { choice, graph, weights } = facts;
    const norm = normBehind(out.out, section, graph);
    if (norm === undefined) return [];
    const { nUsed, team, nIn, nOut, groups } = sizesOf(y, facts);
    const { type } = weights.matrix(weightOf(y));
    return [
      {
        kernel: EXPERTS_OUT,
        variant: teamVariant(choice, team, { nIn, types: { '': type }, constants: { USED: nUsed } }),
        bindings: {
          x: valuesOf('folded', value('hidden')),
          route: valuesOf('route', value('chosen'), value('share')),
          residual: valuesOf('stream', value('residual')),
          gain: vectorOf(norm),
          weights: tileOf(y),
          y: valuesOf('stream', out.out),
          taps: TAPS,
        },
        params: { batches: team.batches, rows: nOut, step: rowVec4s(type, nIn) },
        grid: [groups, 1, 1],
      },
    ];
  },
});
