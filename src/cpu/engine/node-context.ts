import { rescalesOver } from '../../base/f32-error';
import { fail } from '../../base/errors';
import { rowLength, shapeOf, type Node, type Section, type StateSlot, type Value } from '../../arch/graph';
import { isByKey } from '../../arch/walk';
import type { OpName } from '../../arch/operations';
import { EXACT_OPS } from '../../ops/exact-ops';
import type { ExactContext, ExactOp, KeyRows } from '../../ops/exact-op';
import { headAttention } from '../kernels/head-attention';
import { capturedPositions, type Step } from './step';
import type { Held, SectionValues } from './values';

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
  const positions = rows === 'all' ? undefined : rows;
  const chosen = positions?.map((position) => position - nPast);
  const wanted = chosen?.map((_, i) => i) ?? capturedPositions(step, node.out.id).map((position) => position - nPast);
  const input = (i: number): Value => {
    const value = node.inputs[i];
    if (value === undefined) throw fail('internal', `${node.out.id} has no input ${i}.`, 'Please report this defect.');
    return value;
  };
  const slotAt = (i: number): StateSlot => {
    const slot = node.reads[i];
    if (slot === undefined) throw fail('internal', `${node.out.id} reads no state.`, 'Please report this defect.');
    return slot;
  };
  const context: ExactContext = {
    node,
    sizes,
    rows: chosen?.length ?? nTokens,
    nPast,
    nKeys,
    wanted,
    sumOrder: options.sumOrder ?? 'any',
    rescales: (keys) => rescalesOver(options.rescales, keys),
    magnitudes: options.bounds === true && wanted.length > 0,
    tokens: chosen === undefined ? step.tokens : step.tokens.filter((_, t) => chosen.includes(t)),
    positionOf: (row) => (positions === undefined ? nPast + row : (positions[row] ?? NaN)),
    float: (i) => {
      const held = rowsOf(values, input(i), rows, step);
      if (held instanceof Float64Array) return held;
      throw fail('internal', `${node.out.id} reads indices as numbers.`, 'Please report this defect.');
    },
    indices: (i) => {
      const held = rowsOf(values, input(i), rows, step);
      if (held instanceof Uint32Array) return held;
      throw fail('internal', `${node.out.id} reads numbers as indices.`, 'Please report this defect.');
    },
    keyRows: (i) => keyRowsOf(step, section, input(i), values, rows),
    state: (i) => values.state(slotAt(i)),
    earlier: (i, row, back) => {
      const position = context.positionOf(row) - back;
      return position < 0 ? undefined : values.stateRow(slotAt(i), position);
    },
    fed: values.fed,
    leave: (i, state) => {
      values.leave(slotAt(i), state.slice());
    },
    headProducts: (kv, use, { kvDim, headDim, divisor }) => {
      const none = new Float64Array(0);
      const both = use === 'keys' ? { keys: kv, values: none } : { keys: none, values: kv };
      return headAttention({ ...both, positions: nKeys, kvDim, headDim, divisor });
    },
    angles: (attrs, factors) => {
      const all = step.angles(attrs, factors);
      return chosen === undefined ? all : all.filter((_, t) => chosen.includes(t));
    },
    vector: () => weights.vector(slotOf(node)),
    tableRows: (ids) => weights.rows(slotOf(node), ids),
    matmul: (x) => weights.matmul(slotOf(node), x, context.magnitudes),
    expertMatmul: (x, perSlot, experts) => weights.expertMatmul(slotOf(node), x, perSlot, experts, context.magnitudes),
    affine: () => weights.affine(slotOf(node)),
    pause,
  };
  // One record holds each operation under its node's name.
  return { op: EXACT_OPS[node.op] as unknown as ExactOp, context };
}

/** A streamed value: read where it is there as a whole, else made anew by its node. */
async function keyRowsOf(
  step: Step,
  section: Section,
  value: Value,
  values: SectionValues,
  rows: RowChoice,
): Promise<KeyRows> {
  if (values.has(value)) return storedRows(step, value, values, rows);
  const maker = section.nodes.find((node) => node.out.id === value.id);
  const operation = maker === undefined ? undefined : operationOf(step, section, maker, values, rows);
  const made = await operation?.op.keyRows?.(operation.context);
  if (made === undefined) throw fail('internal', `${value.id} is not made row by row.`, 'Please report this defect.');
  return made;
}

function storedRows(step: Step, value: Value, values: SectionValues, rows: RowChoice): KeyRows {
  const { sizes } = step.graph;
  const nKeys = step.nPast + step.tokens.length;
  const heads = isByKey(value) ? (shapeOf(value.axes, sizes, { nTokens: step.tokens.length, nKeys })[1] ?? 0) : 1;
  const width = rowLength(value, sizes, nKeys) / heads;
  const all = values.stored(value);
  // Captures at just these positions are taken as they are.
  const inOrder = rows === 'all' || all.length === rows.length * heads * width;
  const rowOf = (token: number): number => (inOrder ? token : values.rowAt(value, rows[token] ?? NaN));
  return {
    row: (token, head, visible, out, outAt) => {
      const at = (rowOf(token) * heads + head) * width;
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

/** A value's rows of the step's tokens, or of some positions. */
function rowsOf(values: SectionValues, value: Value, rows: RowChoice, step: Step): Held {
  const held = values.get(value);
  if (rows === 'all') return held;
  const width = rowLength(value, step.graph.sizes, step.nPast + step.tokens.length);
  // Captures at just these positions are taken as they are.
  if (held.length === rows.length * width) return held;
  const length = rows.length * width;
  const out = held instanceof Float64Array ? new Float64Array(length) : new Uint32Array(length);
  for (const [i, position] of rows.entries()) {
    const row = values.rowAt(value, position);
    out.set(held.subarray(row * width, (row + 1) * width), i * width);
  }
  return out;
}
