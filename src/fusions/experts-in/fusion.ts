import type { Node, Section, Value } from '../../arch/graph';
import type { KernelSpec } from '../../ops/kernel-spec';
import type { QuantType } from '../../types/types';
import type { DecodeChoice } from '../choice';
import { lastAxis, paddedTo32 } from '../forms';
import {
  defineFusion,
  isOfRows,
  matrixSizes,
  placed,
  CAPTURES,
  tileOf,
  valuesOf,
  typeOf,
  weightOf,
  type FusedDispatch,
} from '../fusion';
import { rowsPerGroup, rowUnits, rowVec4s, laneGroupVariant, type LaneGroupJob } from '../lane-groups';

export const EXPERTS_IN = {
  ...{ file: 'fusions/experts_in.wgsl', entry: 'main', variants: [{ id: 'plain' }] },
  ...{ inputs: ['stream', 'router'], weights: ['weightsGate', 'weightsUp'], outputs: ['y', 'route', 'captures'] },
  params: {
    ...{ batches: 'u32', rows: 'u32', nExpert: 'u32', stepGate: 'u32', stepUp: 'u32' },
    ...{ firstExpert: 'u32', endExpert: 'u32', firstGate: 'u32', firstUp: 'u32', eps: 'f32', squareCount: 'u32' },
    ...{
      captureProbs: 'u32',
      captureIndices: 'u32',
      captureRouter: 'u32',
      captureGate: 'u32',
      captureUp: 'u32',
      captureSwiglu: 'u32',
    },
  },
} as const satisfies KernelSpec;

/** Columns of four keys that a lane of choose_experts_subgroup.wgsl has room for. */
const HELD_KEYS = 16;

/** Rows of gate and up together where they are of one type and a lane has one unit of each. */
export function expertsInJob(
  choice: DecodeChoice,
  shape: {
    readonly gate: QuantType;
    readonly up: QuantType;
    readonly nIn: number;
    readonly nExpert: number;
    readonly nUsed: number;
  },
): LaneGroupJob {
  const { gate, up, nIn, nExpert, nUsed } = shape;
  const { lanes } = choice.laneGroups['experts-in'];
  const isPair = gate === up && rowUnits(gate, nIn) <= lanes;
  const pair = isPair ? (choice.ahead === 1 ? 'once' : 'deep') : 'many';
  const walk = `fusions/lib/walk_${isPair ? 'none' : 'many'}.wgsl`;
  const padded = paddedTo32(nExpert);
  const isHeld = choice.subgroups && padded / 4 <= HELD_KEYS * lanes;
  return {
    nIn,
    types: { Gate: gate, Up: up },
    constants: { EXPERTS: padded, USED: nUsed },
    includes: {
      choose: `fusions/lib/choose_experts${isHeld ? '_subgroup' : ''}.wgsl`,
      pair: `fusions/lib/pair_${pair}.wgsl`,
      walkGate: walk,
      walkUp: walk,
    },
  };
}

/** The norm whose value the experts read: it is made anew of the stream that it reads. */
function normOf(section: Section, h: Value): Node<'rmsnorm'> | undefined {
  return section.nodes.find((node): node is Node<'rmsnorm'> => node.op === 'rmsnorm' && node.out.id === h.id);
}

/** Which experts, their weights, gate and up, SwiGLU. */
export const expertsIn = defineFusion({
  name: 'experts-in',
  covers: {
    probs: { op: 'softmax', inputs: ['logits'] },
    chosen: { op: 'top-k', inputs: ['probs'] },
    share: { op: 'normalise', inputs: ['probs', 'chosen'] },
    gate: { op: 'expert-linear', inputs: ['h', 'chosen'] },
    up: { op: 'expert-linear', inputs: ['h', 'chosen'] },
    hidden: { op: 'swiglu', inputs: ['gate', 'up'] },
  },
  leaves: ['chosen', 'share', 'hidden'],
  captures: {
    ...{
      captureProbs: 'probs',
      captureIndices: 'chosen',
      captureRouter: 'share',
      captureGate: 'gate',
      captureUp: 'up',
    },
    captureSwiglu: 'hidden',
  },
  remade: ['probs'],
  kernels: [EXPERTS_IN],
  when({ section, value, nodes: { probs, share, gate } }, { graph }) {
    if (probs.attrs.mask !== 'none') return { node: probs, reason: `its mask is ${probs.attrs.mask}` };
    if (share.attrs.divisor !== 'sum')
      return { node: share, reason: "the experts' weights are not divided by their sum" };
    const norm = normOf(section, value('h'));
    return norm === undefined || !isOfRows(norm, graph)
      ? { node: gate, reason: 'it does not read a norm of whole rows' }
      : undefined;
  },
  reads({ section, value }) {
    const [x] = normOf(section, value('h'))?.inputs ?? [];
    return [placed('keyed', value('logits')), ...(x === undefined ? [] : [placed('stream', x)])];
  },
  writes: ({ nodes: { chosen, share, hidden } }) => [
    placed('route', chosen.out, share.out),
    placed('folded', hidden.out),
  ],
  dispatches({ section, value, nodes }, facts, { squares }) {
    const { choice, graph, weights } = facts;
    const laneGroup = choice.laneGroups['experts-in'];
    const norm = normOf(section, value('h'));
    const [x] = norm?.inputs ?? [];
    if (norm === undefined || x === undefined) return [];
    const { nIn, nOut: rows } = matrixSizes(nodes.gate, facts);
    const [gate, up] = [typeOf(nodes.gate, facts), typeOf(nodes.up, facts)];
    const nExpert = lastAxis(value('logits'), graph.sizes);
    const nUsed = lastAxis(nodes.chosen.out, graph.sizes);
    const job = expertsInJob(choice, { gate, up, nIn, nExpert, nUsed });
    const dispatches: FusedDispatch[] = [];
    for (const [gateTile, gates] of weights.matrix(weightOf(nodes.gate)).entries()) {
      for (const [upTile, ups] of weights.matrix(weightOf(nodes.up)).entries()) {
        const first = Math.max(gates.firstRow, ups.firstRow);
        const end = Math.min(gates.firstRow + gates.rows, ups.firstRow + ups.rows);
        if (first >= end) continue;
        dispatches.push({
          kernel: EXPERTS_IN,
          variant: laneGroupVariant(choice, laneGroup, job),
          bindings: {
            stream: valuesOf('stream', x),
            router: valuesOf('keyed', value('logits')),
            weightsGate: tileOf(nodes.gate, gateTile),
            weightsUp: tileOf(nodes.up, upTile),
            y: valuesOf('folded', nodes.hidden.out),
            route: valuesOf('route', nodes.chosen.out, nodes.share.out),
            captures: CAPTURES,
          },
          params: {
            ...{ batches: laneGroup.batches, rows, nExpert },
            ...{ stepGate: rowVec4s(gate, nIn), stepUp: rowVec4s(up, nIn) },
            ...{ firstExpert: first / rows, endExpert: end / rows },
            ...{ firstGate: gates.firstRow / rows, firstUp: ups.firstRow / rows },
            ...{ eps: norm.attrs.eps, squareCount: squares(x) },
          },
          grid: [1 + Math.ceil(rows / rowsPerGroup(laneGroup)), nUsed, 1],
        });
      }
    }
    return dispatches;
  },
});
