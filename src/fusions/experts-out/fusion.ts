import type { Node } from '../../arch/graph';
import type { KernelSpec } from '../../ops/kernel-spec';
import type { LaneGroupShape } from '../choice';
import { lastAxis } from '../forms';
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
import { rowLaneGroups, rowVec4s, laneGroupVariant } from '../lane-groups';

export const EXPERTS_OUT = {
  ...{ file: 'fusions/experts_out.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['x', 'route', 'residual', 'gain'], weights: ['weights'], outputs: ['y', 'captures'] },
  params: {
    batches: 'u32',
    rows: 'u32',
    step: 'u32',
    captureExperts: 'u32',
    captureSum: 'u32',
    captureResidual: 'u32',
  },
} as const satisfies KernelSpec;

/** Lanes of a workgroup: every slot has its lane groups, as many as about `laneGroup.group` lanes hold. */
export function outGroup(laneGroup: LaneGroupShape, nUsed: number): number {
  return laneGroup.lanes * nUsed * Math.max(1, Math.floor(laneGroup.group / (laneGroup.lanes * nUsed)));
}

/** Slots, lanes and workgroups of a down projection. */
function sizesOf(y: Node<'expert-linear'>, facts: PlanFacts) {
  const { choice, graph } = facts;
  const [, chosen] = y.inputs;
  const nUsed = chosen === undefined ? 1 : lastAxis(chosen, graph.sizes);
  const laneGroup = { ...choice.laneGroups['experts-out'], group: outGroup(choice.laneGroups['experts-out'], nUsed) };
  const { nIn, nOut } = matrixSizes(y, facts);
  return {
    nUsed,
    laneGroup,
    nIn,
    nOut,
    groups: Math.ceil(nOut / (rowLaneGroups(laneGroup, nUsed) * laneGroup.batches)),
  };
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
  captures: { captureExperts: 'y', captureSum: 'sum', captureResidual: 'out' },
  kernels: [EXPERTS_OUT],
  when(covered, facts) {
    const { y, out } = covered.nodes;
    const { nUsed, laneGroup } = sizesOf(y, facts);
    if (laneGroup.group > facts.workgroupLanes) {
      const reason = `${nUsed} experts a token take workgroups of ${laneGroup.group} lanes; this adapter allows ${facts.workgroupLanes}`;
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
    const { choice, graph } = facts;
    const norm = normBehind(out.out, section, graph);
    if (norm === undefined) return [];
    const { nUsed, laneGroup, nIn, nOut, groups } = sizesOf(y, facts);
    const type = typeOf(y, facts);
    return [
      {
        kernel: EXPERTS_OUT,
        variant: laneGroupVariant(choice, laneGroup, { nIn, types: { '': type }, constants: { USED: nUsed } }),
        bindings: {
          x: valuesOf('folded', value('hidden')),
          route: valuesOf('route', value('chosen'), value('share')),
          residual: valuesOf('stream', value('residual')),
          gain: vectorOf(norm),
          weights: tileOf(y),
          y: valuesOf('stream', out.out),
          captures: CAPTURES,
        },
        params: { batches: laneGroup.batches, rows: nOut, step: rowVec4s(type, nIn) },
        grid: [groups, 1, 1],
      },
    ];
  },
});
