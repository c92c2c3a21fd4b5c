import { rowLength } from '../../arch/graph';
import type { KernelSpec } from '../../ops/kernel-spec';
import type { QuantType } from '../../types/types';
import { defineFusion, isOfRows, matrixSizes, placed, CAPTURES, valuesOf, weightOf, type Operand } from '../fusion';
import { rowsPerGroup, rowVec4s, laneGroupVariant, type LaneGroupJob } from '../lane-groups';

export const QKV = {
  ...{ file: 'fusions/qkv.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['stream'], weights: ['weightsA', 'weightsB', 'weightsC'], outputs: ['y', 'captures'] },
  params: {
    ...{ batches: 'u32', rowsA: 'u32', rowsB: 'u32', rowsC: 'u32', groupsA: 'u32', groupsAb: 'u32' },
    ...{
      stepA: 'u32',
      stepB: 'u32',
      stepC: 'u32',
      eps: 'f32',
      squareCount: 'u32',
      captureNorm: 'u32',
      captureQkv: 'u32',
    },
  },
} as const satisfies KernelSpec;

/** q, k and v as up to three matrices, one product for each; those that are not there take no code. */
export function qkvJob(matrices: readonly QuantType[], nIn: number): LaneGroupJob {
  const names = ['A', 'B', 'C'];
  const types = Object.fromEntries(matrices.map((type, i) => [names[i] ?? '', type]));
  const rows = names.map((name) => [
    `rows${name}`,
    `fusions/lib/${types[name] === undefined ? 'no_rows' : 'lane_group_dot'}.wgsl`,
  ]);
  return { nIn, types, includes: Object.fromEntries(rows) as Record<string, string> };
}

/** RMSNorm and the three projections. */
export const qkv = defineFusion({
  name: 'qkv',
  covers: {
    norm: { op: 'rmsnorm', inputs: ['x'] },
    q: { op: 'linear', inputs: ['norm'] },
    k: { op: 'linear', inputs: ['norm'] },
    v: { op: 'linear', inputs: ['norm'] },
  },
  leaves: ['q', 'k', 'v'],
  captures: { captureNorm: 'norm', captureQkv: ['q', 'k', 'v'] },
  kernels: [QKV],
  when({ nodes: { norm, q, k, v } }, { graph, weights }) {
    if (!isOfRows(norm, graph)) return { node: norm, reason: 'it is not a norm of whole rows' };
    const stacks = weights.stacks([q, k, v].map(weightOf)).length;
    return stacks > 3 ? { node: q, reason: `the three projections lie in ${stacks} buffers` } : undefined;
  },
  reads: ({ value }) => [placed('stream', value('x'))],
  writes: ({ nodes: { q, k, v } }) => [placed('rows', q.out, k.out, v.out)],
  dispatches({ value, nodes: { norm, q, k, v } }, facts, { squares }) {
    const { choice, graph, weights } = facts;
    const { qkv: laneGroup } = choice.laneGroups;
    const { nIn } = matrixSizes(q, facts);
    const slots = [q, k, v].map(weightOf);
    const stacks = weights.stacks(slots);
    const types = stacks.flatMap((stack) => stack.slice(0, 1).map(({ tensor }) => tensor.type));
    const [a, b = a, c = a] = types;
    if (a === undefined || b === undefined || c === undefined) return [];
    const [rowsA = 0, rowsB = 0, rowsC = 0] = stacks.map((stack) => stack.reduce((sum, { rows }) => sum + rows, 0));
    const [groupsA, groupsB, groupsC] = [rowsA, rowsB, rowsC].map((rows) =>
      Math.ceil(rows / rowsPerGroup(laneGroup)),
    ) as [number, number, number];
    const stack = (i: number): Operand => ({ kind: 'stack', slots, stack: i < stacks.length ? i : 0 });
    const x = value('x');
    return [
      {
        kernel: QKV,
        variant: laneGroupVariant(choice, laneGroup, qkvJob(types, rowLength(x, graph.sizes, 1))),
        bindings: {
          stream: valuesOf('stream', x),
          ...{ weightsA: stack(0), weightsB: stack(1), weightsC: stack(2) },
          y: valuesOf('rows', q.out, k.out, v.out),
          captures: CAPTURES,
        },
        params: {
          ...{ batches: laneGroup.batches, rowsA, rowsB, rowsC, groupsA, groupsAb: groupsA + groupsB },
          ...{ stepA: rowVec4s(a, nIn), stepB: rowVec4s(b, nIn), stepC: rowVec4s(c, nIn) },
          ...{ eps: norm.attrs.eps, squareCount: squares(x) },
        },
        grid: [groupsA + groupsB + groupsC, 1, 1],
      },
    ];
  },
});
