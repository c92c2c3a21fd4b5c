import { fail } from '../../base/errors';
import { rowLength, shapeOf, type Node, type Section, type Value } from '../../arch/graph';
import type { OpName } from '../../arch/operations';
import { EXACT_OPS } from '../../ops/exact-ops';
import type { ExactContext, ExactOp, KeyRows } from '../../ops/exact-op';
import { headAttention } from '../kernels/head-attention';
import { capturedPositions, type Step } from './step';
import type { SectionValues } from './values';

/** A node with its operation, so that both agree on the attributes. */
export interface Operation<N extends OpName = OpName> {
  readonly op: ExactOp<N>;
  readonly context: ExactContext<N>;
}

/** Rows that a node computes: all of the step, or those at some positions. */
export type RowChoice = 'all' | readonly number[];

/** What a node computes with. @param rows rows of its inputs that it is given */
export function operationOf(
  step: Step,
  section: Section,
  node: Node,
  values: SectionValues,
  rows: RowChoice,
): Operation {
  const { graph, nPast, options, weights, pause } = step;
  const { sizes } = graph;
  const nTokens = step.tokens.length;
  const nKeys = nPast + nTokens;
  const chosen = rows === 'all' ? undefined : rows.map((position) => position - nPast);
  const wanted = chosen?.map((_, i) => i) ?? capturedPositions(step, node.out.id).map((position) => position - nPast);
  const input = (i: number): Value => {
    const value = node.inputs[i];
    if (value === undefined) throw fail('internal', `${node.out.id} has no input ${i}.`, 'Please report this defect.');
    return value;
  };
  const context: ExactContext = {
    node,
    sizes,
    rows: chosen?.length ?? nTokens,
    nPast,
    nKeys,
    wanted,
    magnitudes: options.bounds === true && wanted.length > 0,
    tokens: step.tokens,
    float: (i) => {
      const held = values.get(input(i));
      if (!(held instanceof Float64Array))
        throw fail('internal', `${node.out.id} reads indices as numbers.`, 'Please report this defect.');
      return chosen === undefined ? held : gather(held, rowLength(input(i), sizes, nKeys), chosen);
    },
    indices: (i) => {
      const held = values.get(input(i));
      if (held instanceof Uint32Array) return held;
      throw fail('internal', `${node.out.id} reads numbers as indices.`, 'Please report this defect.');
    },
    keyRows: (i) => keyRowsOf(step, section, input(i), values),
    state: (i) => {
      const slot = node.reads[i];
      if (slot === undefined) throw fail('internal', `${node.out.id} reads no state.`, 'Please report this defect.');
      return values.state(slot);
    },
    headProducts: (kv, use, { kvDim, headDim, divisor }) => {
      const none = new Float64Array(0);
      const both = use === 'keys' ? { keys: kv, values: none } : { keys: none, values: kv };
      return headAttention({ ...both, positions: nKeys, kvDim, headDim, divisor });
    },
    angles: step.angles,
    vector: () => weights.vector(slotOf(node)),
    tableRows: (ids) => weights.rows(slotOf(node), ids),
    matmul: (x) => weights.matmul(slotOf(node), x, context.magnitudes),
    expertMatmul: (x, perSlot, experts) => weights.expertMatmul(slotOf(node), x, perSlot, experts, context.magnitudes),
    pause,
  };
  // One record holds each operation under its node's name.
  return { op: EXACT_OPS[node.op] as unknown as ExactOp, context };
}

/** A value by key: read where it is there as a whole, else made anew by its node. */
function keyRowsOf(step: Step, section: Section, value: Value, values: SectionValues): KeyRows {
  if (values.has(value)) return storedRows(step, value, values);
  const maker = section.nodes.find((node) => node.out.id === value.id);
  const operation = maker === undefined ? undefined : operationOf(step, section, maker, values, 'all');
  const rows = operation?.op.keyRows?.(operation.context);
  if (rows === undefined) throw fail('internal', `${value.id} is not made by key.`, 'Please report this defect.');
  return rows;
}

function storedRows(step: Step, value: Value, values: SectionValues): KeyRows {
  const { sizes } = step.graph;
  const nKeys = step.nPast + step.tokens.length;
  const [, heads = 0] = shapeOf(value.axes, sizes, { nTokens: step.tokens.length, nKeys });
  const all = values.get(value);
  return {
    row: (token, head, visible, out, outAt) => {
      const at = (token * heads + head) * nKeys;
      out.set(all.subarray(at, at + visible), outAt);
    },
    release: () => undefined,
  };
}

function slotOf(node: Node): Node['weights'][number] {
  const [slot] = node.weights;
  if (slot === undefined) throw fail('internal', `${node.out.id} has no weight.`, 'Please report this defect.');
  return slot;
}

function gather(x: Float64Array<ArrayBuffer>, width: number, rows: readonly number[]): Float64Array<ArrayBuffer> {
  const out = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) out.set(x.subarray(row * width, (row + 1) * width), i * width);
  return out;
}
