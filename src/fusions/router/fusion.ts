import type { KernelSpec } from '../../ops/kernel-spec';
import {
  defineFusion,
  isOfRows,
  isSplit,
  matrixSizes,
  placed,
  CAPTURES,
  tileOf,
  valuesOf,
  vectorOf,
  typeOf,
} from '../fusion';
import { rowsPerGroup, rowVec4s, laneGroupVariant } from '../lane-groups';

export const ROUTER = {
  ...{ file: 'fusions/router.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['stream', 'gain'], weights: ['weights'], outputs: ['y', 'captures'] },
  params: {
    ...{
      batches: 'u32',
      rows: 'u32',
      step: 'u32',
      eps: 'f32',
      squareCount: 'u32',
      captureNorm: 'u32',
      captureLogits: 'u32',
    },
  },
} as const satisfies KernelSpec;

/** RMSNorm and the router's logits. */
export const router = defineFusion({
  name: 'router',
  covers: {
    norm: { op: 'rmsnorm', inputs: ['x'] },
    logits: { op: 'linear', inputs: ['norm'] },
  },
  // Who reads the norm too makes it anew of the stream.
  leaves: ['norm', 'logits'],
  captures: { captureNorm: 'norm', captureLogits: 'logits' },
  kernels: [ROUTER],
  when({ section, nodes: { norm, logits } }, facts) {
    if (!isOfRows(norm, facts.graph)) return { node: norm, reason: 'it is not a norm of whole rows' };
    const readers = section.nodes.filter(({ inputs }) => inputs.some(({ id }) => id === logits.out.id));
    if (readers.some(({ op }) => op !== 'softmax') || readers.length !== 1)
      return { node: logits, reason: 'it is not read by a softmax alone' };
    return isSplit(logits, facts);
  },
  reads: ({ value }) => [placed('stream', value('x'))],
  writes: ({ nodes: { logits } }) => [placed('keyed', logits.out)],
  dispatches({ value, nodes: { norm, logits } }, facts, { squares }) {
    const { choice } = facts;
    const { router: laneGroup } = choice.laneGroups;
    const { nIn, nOut } = matrixSizes(logits, facts);
    const type = typeOf(logits, facts);
    const x = value('x');
    return [
      {
        kernel: ROUTER,
        variant: laneGroupVariant(choice, laneGroup, { nIn, types: { '': type } }),
        bindings: {
          stream: valuesOf('stream', x),
          gain: vectorOf(norm),
          weights: tileOf(logits),
          y: valuesOf('keyed', logits.out),
          captures: CAPTURES,
        },
        params: {
          ...{ batches: laneGroup.batches, rows: nOut, step: rowVec4s(type, nIn) },
          ...{ eps: norm.attrs.eps, squareCount: squares(x) },
        },
        grid: [Math.ceil(nOut / rowsPerGroup(laneGroup)), 1, 1],
      },
    ];
  },
});
