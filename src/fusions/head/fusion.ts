import { MAX_GROUPS } from '../../ops/kernel-grid';
import type { KernelSpec } from '../../ops/kernel-spec';
import { defineFusion, isOfRows, matrixSizes, placed, CAPTURES, tileOf, valuesOf, typeOf, weightOf } from '../fusion';
import { rowsPerGroup, rowVec4s, laneGroupVariant } from '../lane-groups';

export const HEAD = {
  ...{ file: 'fusions/head.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['stream'], weights: ['weights'], outputs: ['y', 'captures'] },
  params: {
    ...{
      batches: 'u32',
      rows: 'u32',
      step: 'u32',
      firstRow: 'u32',
      eps: 'f32',
      squareCount: 'u32',
      captureNorm: 'u32',
    },
  },
} as const satisfies KernelSpec;

/** RMSNorm and the logits. */
export const head = defineFusion({
  name: 'head',
  covers: {
    norm: { op: 'rmsnorm', inputs: ['x'] },
    logits: { op: 'linear', inputs: ['norm'] },
  },
  leaves: ['logits'],
  captures: { captureNorm: 'norm' },
  kernels: [HEAD],
  when: ({ section, nodes: { norm, logits } }, { graph }) =>
    section.layer !== undefined || section.output.id !== logits.out.id
      ? { node: logits, reason: "it is not the model's output" }
      : isOfRows(norm, graph)
        ? undefined
        : { node: norm, reason: 'it is not a norm of whole rows' },
  reads: ({ value }) => [placed('stream', value('x'))],
  writes: ({ nodes: { logits } }) => [placed('rows', logits.out)],
  dispatches({ value, nodes: { norm, logits } }, facts, { squares }) {
    const { choice, weights } = facts;
    const { head: laneGroup } = choice.laneGroups;
    const { nIn } = matrixSizes(logits, facts);
    const type = typeOf(logits, facts);
    const x = value('x');
    return weights.matrix(weightOf(logits)).map(({ firstRow, rows }, tile) => {
      const groups = Math.ceil(rows / rowsPerGroup(laneGroup));
      const z = Math.ceil(groups / MAX_GROUPS);
      return {
        kernel: HEAD,
        variant: laneGroupVariant(choice, laneGroup, { nIn, types: { '': type } }),
        bindings: {
          stream: valuesOf('stream', x),
          weights: tileOf(logits, tile),
          y: valuesOf('rows', logits.out),
          captures: CAPTURES,
        },
        params: {
          ...{ batches: laneGroup.batches, rows, step: rowVec4s(type, nIn), firstRow },
          ...{ eps: norm.attrs.eps, squareCount: squares(x) },
        },
        grid: [Math.ceil(groups / z), 1, z],
      };
    });
  },
});
