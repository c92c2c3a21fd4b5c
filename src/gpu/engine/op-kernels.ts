import type { Node } from '../../arch/graph';
import type { OpName } from '../../arch/operations';
import { linearGrid } from '../../ops/kernel-grid';
import type { KernelSpec } from '../../ops/kernel-spec';
import { pairSteps } from '../../ops/rope/exact';
import { NO_WINDOW } from '../../ops/softmax/kernel';
import type { Pipeline } from '../pipelines';
import type { BufferRange } from '../recorder';
import { scores, values } from './attention-ops';
import { conv1d, deltaRead, deltaRule, l2norm } from './delta-ops';
import { embedRows } from './embed-rows';
import { expertProduct, headProduct, linearProduct } from './products';
import { axisOf, widthOf } from './sizes';
import { inputAt, valueAt, weightOf, type StageKernel, type StageRun } from './stage-run';
import { vectorWeight } from './vector-weight';

/** Lanes of a workgroup in the kernels that give each value a lane. */
const LANES = 64;

const rmsnorm: StageKernel<'rmsnorm'> = async (run) => {
  const { recorder, kernels } = run.tools;
  const weight = await vectorWeight(run);
  const x = inputAt(run, 0);
  // As many channels as there are weights share a mean: all of a row, or a head.
  const rowLength = weightOf(run).nIn;
  const width = widthOf(run, run.node.out);
  const rowsPerToken = width / rowLength;
  const { stride, first } = x.columns ?? { stride: width, first: 0 };
  const rows = run.rows * rowsPerToken;
  recorder.dispatch(
    kernels.rmsnorm,
    { x, weight, y: run.output },
    { rows, rowLength, rowsPerToken, xStride: stride, xOffset: first, eps: run.node.attrs.eps },
    linearGrid(rows, 1),
  );
};

/** (rows, heads, headDim) -> the same, at row `outputRow` of the output */
const rope: StageKernel<'rope'> = async (run) => {
  const { recorder, kernels, ropeTable, hostFloats } = run.tools;
  const { out, attrs, weights } = run.node;
  const heads = axisOf(run, out, 1);
  const headDim = axisOf(run, out, 2);
  const pairs = attrs.dims / 2;
  // A lane a pair, and one a channel that passes.
  const count = run.rows * heads * (headDim - pairs);
  const factors = weights.length === 0 ? undefined : await hostFloats(weightOf(run), run.signal);
  const angles = ropeTable(run.firstPosition, run.rows, attrs, factors);
  recorder.dispatch(
    kernels.rope,
    { x: inputAt(run, 0), table: recorder.table(new Uint32Array(angles.buffer)), y: run.output },
    { count, pairs, heads, headDim, ...pairSteps(attrs), yOffset: run.outputRow * heads * headDim },
    linearGrid(count, LANES),
  );
};

/** (rows, ..., n) -> the same */
const softmax: StageKernel<'softmax'> = async (run) => {
  const { recorder, kernels } = run.tools;
  const { out, attrs, weights } = run.node;
  const rowLength = axisOf(run, out, -1);
  const rowsPerToken = widthOf(run, out) / rowLength;
  const rows = run.rows * rowsPerToken;
  const x = inputAt(run, 0);
  const sinks = weights.length === 0 ? undefined : await vectorWeight(run);
  recorder.dispatch(
    kernels.softmax,
    // What is not read has to be bound all the same.
    { x, sinks: sinks ?? x, y: run.output },
    {
      ...{ rows, rowLength, rowsPerToken, causal: attrs.mask === 'causal' ? 1 : 0, firstPosition: run.firstPosition },
      ...{ window: attrs.window ?? NO_WINDOW, hasSinks: sinks === undefined ? 0 : 1 },
    },
    linearGrid(rows, 1),
  );
};

/** (rows, nExpert) -> (rows, nUsed) */
const topK: StageKernel<'top-k'> = (run) => {
  const { recorder, kernels } = run.tools;
  const nExpert = widthOf(run, valueAt(run.node, 0));
  const count = run.rows * nExpert;
  const probs = inputAt(run, 0);
  const { groups } = run.node.attrs;
  const nOpen = groups === undefined ? 0 : widthOf(run, valueAt(run.node, 1));
  recorder.dispatch(
    kernels.topK,
    // What is not read has to be bound all the same.
    { probs, open: groups === undefined ? probs : inputAt(run, 1), indices: run.output },
    { count, nExpert, nUsed: widthOf(run, run.node.out), groupSize: nExpert / (groups ?? 1), nOpen },
    linearGrid(count, LANES),
  );
};

/** (rows, groups * size) -> (rows, groups) */
const groupScores: StageKernel<'group-scores'> = (run) => {
  const { recorder, kernels } = run.tools;
  const groups = widthOf(run, run.node.out);
  const count = run.rows * groups;
  recorder.dispatch(
    kernels.groupScores,
    { x: inputAt(run, 0), scores: run.output },
    { count, size: widthOf(run, valueAt(run.node, 0)) / groups },
    linearGrid(count, LANES),
  );
};

/** (rows, nExpert) and (rows, nUsed) -> (rows, nUsed) */
const normalise: StageKernel<'normalise'> = (run) => {
  const { recorder, kernels } = run.tools;
  const nExpert = widthOf(run, valueAt(run.node, 0));
  const nUsed = widthOf(run, run.node.out);
  const count = run.rows * nUsed;
  recorder.dispatch(
    run.node.attrs.divisor === 'sum' ? kernels.renormalise : kernels.gather,
    { p: inputAt(run, 0), indices: inputAt(run, 1), weights: run.output },
    { count, nExpert, nUsed },
    linearGrid(count, LANES),
  );
};

/** (rows, nUsed) and (rows, nUsed, n) -> (rows, n) */
const weightedSum: StageKernel<'weighted-sum'> = (run) => {
  const { recorder, kernels } = run.tools;
  const rowLength = widthOf(run, run.node.out);
  const count = run.rows * rowLength;
  recorder.dispatch(
    kernels.weightedSum,
    { weights: inputAt(run, 0), x: inputAt(run, 1), y: run.output },
    { count, rowLength, nUsed: widthOf(run, valueAt(run.node, 0)) },
    linearGrid(count, LANES),
  );
};

/** A kernel that gives each value of its output a lane: it binds the node's inputs in order, then its weight if it has one, then `y`; told `count` and what `others` says. */
function elementwise<N extends OpName>(
  name: 'add' | 'gain' | 'multiply' | 'scale' | 'shift' | 'sigmoid' | 'silu' | 'softplus' | 'swiglu' | 'swigluClamped',
  others: (run: StageRun<N>) => Readonly<Record<string, number>> = () => ({}),
): StageKernel<N> {
  return async (run) => {
    const { recorder, kernels } = run.tools;
    const pipeline: Pipeline<KernelSpec> = kernels[name];
    const values = run.node.inputs.map((_, i): BufferRange => inputAt(run, i));
    if (run.node.weights.length > 0) values.push(await vectorWeight(run));
    const inputs = [...pipeline.kernel.inputs, ...pipeline.kernel.weights].flatMap((binding, i) => {
      const range = values[i];
      return range === undefined ? [] : [[binding, range] as const];
    });
    const count = run.rows * widthOf(run, run.node.out);
    recorder.dispatch(
      pipeline,
      { ...Object.fromEntries(inputs), y: run.output },
      { count, ...others(run) },
      linearGrid(count, LANES),
    );
  };
}

/** (rows, ..., stride) -> (rows, ..., width) */
const slice: StageKernel<'slice'> = (run) => {
  const { recorder, kernels } = run.tools;
  const x = valueAt(run.node, 0);
  const stride = axisOf(run, x, -1);
  const width = (widthOf(run, run.node.out) * stride) / widthOf(run, x);
  const count = run.rows * widthOf(run, run.node.out);
  recorder.dispatch(
    kernels.slice,
    { x: inputAt(run, 0), y: run.output },
    { count, width, stride, first: run.node.attrs.first, yOffset: run.outputRow * widthOf(run, run.node.out) },
    linearGrid(count, LANES),
  );
};

/** (rows, ..., first) and (rows, ..., width - first) -> (rows, ..., width), at row `outputRow` of the output */
const concat: StageKernel<'concat'> = (run) => {
  const { recorder, kernels } = run.tools;
  const [a, b] = [valueAt(run.node, 0), valueAt(run.node, 1)];
  const [first, second] = [axisOf(run, a, -1), axisOf(run, b, -1)];
  const perToken = widthOf(run, run.node.out);
  const count = run.rows * perToken;
  recorder.dispatch(
    kernels.concat,
    { a: inputAt(run, 0), b: inputAt(run, 1), y: run.output },
    { count, width: first + second, first, yOffset: run.outputRow * perToken },
    linearGrid(count, LANES),
  );
};

/** How each operation is recorded. The formulas are in the shaders; order, inputs and weights are the graph's. */
export const OP_KERNELS: { readonly [N in OpName]: StageKernel<N> } = {
  rows: embedRows,
  rmsnorm,
  linear: linearProduct,
  'expert-linear': expertProduct,
  'head-linear': headProduct,
  rope,
  'attention-scores': scores,
  softmax,
  'attention-values': values,
  'top-k': topK,
  'group-scores': groupScores,
  normalise,
  swiglu: elementwise('swiglu'),
  'swiglu-clamped': elementwise('swigluClamped', ({ node }) => ({ ...node.attrs })),
  'weighted-sum': weightedSum,
  add: elementwise('add'),
  // (rows, ..., n) and the same or (rows, ..., 1) -> (rows, ..., n)
  multiply: elementwise('multiply', (run) => ({
    run: widthOf(run, run.node.out) / widthOf(run, valueAt(run.node, 1)),
  })),
  scale: elementwise('scale', ({ node }) => ({ factor: node.attrs.factor })),
  shift: elementwise('shift', (run) => ({ width: widthOf(run, run.node.out) })),
  sigmoid: elementwise('sigmoid'),
  silu: elementwise('silu'),
  softplus: elementwise('softplus', (run) => ({ width: widthOf(run, run.node.out) })),
  gain: elementwise('gain', (run) => ({ width: widthOf(run, run.node.out) })),
  slice,
  concat,
  l2norm,
  conv1d,
  'delta-rule': deltaRule,
  'delta-read': deltaRead,
};

/** Operations whose kernel reads rows that lie as columns of longer ones. */
export const READS_COLUMNS: ReadonlySet<OpName> = new Set<OpName>(['rmsnorm']);

/** How a node is recorded. */
export type KernelOf = (node: Node) => StageKernel;

/** How a node is recorded where nothing is replaced. */
export const usualKernel: KernelOf = (node) => {
  // The table's row is that of the node's own operation, which TypeScript does not follow through the union.
  return OP_KERNELS[node.op] as StageKernel;
};
