import type { Node } from '../../arch/graph';
import type { OpName } from '../../arch/operations';
import { linearGrid } from '../../ops/kernel-grid';
import { pairSteps } from '../../ops/rope/exact';
import { vectorPart } from '../weights/weight-part';
import { scores, values } from './attention-ops';
import { embedRows } from './embed-rows';
import { expertProduct, linearProduct } from './products';
import { axisOf, widthOf } from './sizes';
import { inputAt, valueAt, weightOf, type StageKernel } from './stage-run';

/** Lanes of a workgroup in the kernels that give each value a lane. */
const LANES = 64;

const rmsnorm: StageKernel<'rmsnorm'> = async (run) => {
  const { cache, recorder, kernels } = run.tools;
  const weight = weightOf(run);
  const part = vectorPart(weight);
  if (!cache.hasRoomFor([part])) recorder.submit();
  const pinned = await cache.acquire([part], run.signal);
  recorder.afterSubmit(pinned.release);
  const [place] = pinned.places;
  if (place === undefined) return;
  const x = inputAt(run, 0);
  // As many channels as there are weights share a mean: all of a row, or a head.
  const rowLength = weight.nIn;
  const width = widthOf(run, run.node.out);
  const rowsPerToken = width / rowLength;
  const { stride, first } = x.columns ?? { stride: width, first: 0 };
  const rows = run.rows * rowsPerToken;
  recorder.dispatch(
    kernels.rmsnorm,
    { x, weight: { buffer: place.buffer }, y: run.output },
    { rows, rowLength, rowsPerToken, xStride: stride, xOffset: first, eps: run.node.attrs.eps },
    linearGrid(rows, 1),
  );
};

/** (rows, heads, headDim) -> the same, at row `outputRow` of the output */
const rope: StageKernel<'rope'> = (run) => {
  const { recorder, kernels, ropeTable } = run.tools;
  const { out, attrs } = run.node;
  const heads = axisOf(run, out, 1);
  const headDim = axisOf(run, out, 2);
  const pairs = attrs.dims / 2;
  // A lane a pair, and one a channel that passes.
  const count = run.rows * heads * (headDim - pairs);
  const angles = ropeTable(run.firstPosition, run.rows, attrs);
  recorder.dispatch(
    kernels.rope,
    { x: inputAt(run, 0), table: recorder.table(new Uint32Array(angles.buffer)), y: run.output },
    { count, pairs, heads, headDim, ...pairSteps(attrs), yOffset: run.outputRow * heads * headDim },
    linearGrid(count, LANES),
  );
};

/** (rows, ..., n) -> the same */
const softmax: StageKernel<'softmax'> = (run) => {
  const { recorder, kernels } = run.tools;
  const { out, attrs } = run.node;
  const rowLength = axisOf(run, out, -1);
  const rowsPerToken = widthOf(run, out) / rowLength;
  const rows = run.rows * rowsPerToken;
  recorder.dispatch(
    kernels.softmax,
    { x: inputAt(run, 0), y: run.output },
    { rows, rowLength, rowsPerToken, causal: attrs.mask === 'causal' ? 1 : 0, firstPosition: run.firstPosition },
    linearGrid(rows, 1),
  );
};

/** (rows, nExpert) -> (rows, nUsed) */
const topK: StageKernel<'top-k'> = (run) => {
  const { recorder, kernels } = run.tools;
  const nExpert = widthOf(run, valueAt(run.node, 0));
  const count = run.rows * nExpert;
  recorder.dispatch(
    kernels.topK,
    { probs: inputAt(run, 0), indices: run.output },
    { count, nExpert, nUsed: widthOf(run, run.node.out) },
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

const swiglu: StageKernel<'swiglu'> = (run) => {
  const { recorder, kernels } = run.tools;
  const count = run.rows * widthOf(run, run.node.out);
  recorder.dispatch(
    kernels.swiglu,
    { gate: inputAt(run, 0), up: inputAt(run, 1), y: run.output },
    { count },
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

const add: StageKernel<'add'> = (run) => {
  const { recorder, kernels } = run.tools;
  const count = run.rows * widthOf(run, run.node.out);
  recorder.dispatch(
    kernels.add,
    { a: inputAt(run, 0), b: inputAt(run, 1), y: run.output },
    { count },
    linearGrid(count, LANES),
  );
};

/** (rows, ..., n) and the same or (rows, ..., 1) -> (rows, ..., n) */
const multiply: StageKernel<'multiply'> = (run) => {
  const { recorder, kernels } = run.tools;
  const width = widthOf(run, run.node.out);
  const count = run.rows * width;
  recorder.dispatch(
    kernels.multiply,
    { a: inputAt(run, 0), b: inputAt(run, 1), y: run.output },
    { count, run: width / widthOf(run, valueAt(run.node, 1)) },
    linearGrid(count, LANES),
  );
};

const scale: StageKernel<'scale'> = (run) => {
  const { recorder, kernels } = run.tools;
  const count = run.rows * widthOf(run, run.node.out);
  const { factor } = run.node.attrs;
  recorder.dispatch(kernels.scale, { x: inputAt(run, 0), y: run.output }, { count, factor }, linearGrid(count, LANES));
};

const sigmoid: StageKernel<'sigmoid'> = (run) => {
  const { recorder, kernels } = run.tools;
  const count = run.rows * widthOf(run, run.node.out);
  recorder.dispatch(kernels.sigmoid, { x: inputAt(run, 0), y: run.output }, { count }, linearGrid(count, LANES));
};

/** How each operation is recorded. The formulas are in the shaders; order, inputs and weights are the graph's. */
export const OP_KERNELS: { readonly [N in OpName]: StageKernel<N> } = {
  rows: embedRows,
  rmsnorm,
  linear: linearProduct,
  'expert-linear': expertProduct,
  rope,
  'attention-scores': scores,
  softmax,
  'attention-values': values,
  'top-k': topK,
  normalise,
  swiglu,
  'weighted-sum': weightedSum,
  add,
  multiply,
  scale,
  sigmoid,
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
