import { seededRandom } from '../base/random';
import { rowBytes, type QuantType } from '../gguf/ggml-types';
import { tensorBytes, type GgufToWrite, type TensorToWrite } from '../gguf/writer';
import { weightDims, type WeightSlot } from '../arch/graph';
import { blockStream, type BlockStream } from './block-stream';
import { modelMetadata } from './metadata';
import { recipeGraph } from './recipe-graph';
import type { ModelRecipe } from './recipe';
import { markRows } from './row-marks';
import { weightType } from './type-mix';

/**
 * A seeded model as a plan for the GGUF writer: its bytes are made when they are written. Weights are about 1/sqrt(nIn), so that
 * every matrix keeps the scale of what it is given and the residual stream grows with the square root of the depth.
 */
export function modelToWrite(recipe: ModelRecipe): GgufToWrite {
  return {
    metadata: modelMetadata(recipe),
    tensors: modelTensors(recipe),
    ...(recipe.version === undefined ? {} : { version: recipe.version }),
    ...(recipe.alignment === undefined ? {} : { alignment: recipe.alignment }),
  };
}

interface PlannedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: QuantType;
  /** Root mean square of the values of a matrix. */
  readonly scale: number;
  /** What is no matrix. */
  readonly floats?: Floats;
}

function modelTensors(recipe: ModelRecipe): readonly TensorToWrite[] {
  const planned = planTensors(recipe);
  const seed = recipe.seed ?? 1;
  // Tensors of one type and scale are consecutive pieces of one stream of blocks.
  const groupOf = (tensor: PlannedTensor): string => `${tensor.type} ${tensor.scale}`;
  const groupBytes = new Map<string, number>();
  for (const t of planned) groupBytes.set(groupOf(t), (groupBytes.get(groupOf(t)) ?? 0) + tensorBytes(t));
  const streams = new Map<string, BlockStream>();
  for (const [i, [group, bytes]] of [...groupBytes].entries()) {
    const first = planned.find((t) => groupOf(t) === group);
    if (first !== undefined) streams.set(group, blockStream(first.type, first.scale, seed * 1009 + i, bytes));
  }

  const positions = new Map<string, number>();
  let rowsBefore = Math.imul(seed, 0x9e3779b1);
  return planned.map((tensor, i): TensorToWrite => {
    const { name, dims, type } = tensor;
    const { floats } = tensor;
    if (floats !== undefined)
      return { name, dims, type, chunks: () => [floatValues(dims, floats, seed * 100_003 + i)] };
    const group = groupOf(tensor);
    const position = positions.get(group) ?? 0;
    const firstRow = rowsBefore;
    positions.set(group, position + tensorBytes(tensor));
    rowsBefore += countRows(dims);
    const stream = streams.get(group);
    return {
      name,
      dims,
      type,
      chunks: () => (stream === undefined ? [] : matrixChunks(stream, dims, position, firstRow)),
    };
  });
}

/** Every weight of the graph with its bias: those of the whole model, then layer by layer. */
function planTensors(recipe: ModelRecipe): readonly PlannedTensor[] {
  const graph = recipeGraph(recipe);
  const sections = [graph.embed, graph.head, ...graph.layers];
  const slots = sections.flatMap(({ layer = 0, nodes }) =>
    nodes.flatMap(({ weights }) => weights).map((slot) => ({ slot, layer })),
  );
  const hasHeadNorms = slots.some(({ slot }) => slot.role === 'attn_q_norm');
  const plan = (slot: WeightSlot, layer: number): readonly PlannedTensor[] => {
    const { name, role } = slot;
    const dims = weightDims(slot, graph.sizes);
    const [nIn = 0, ...rows] = dims;
    if (rows.length === 0) return [planFloats(name, dims, VECTORS[role] ?? { mean: 1 })];
    const matrix: PlannedTensor = {
      ...{ name, dims, type: slot.flat === true ? 'F32' : weightType(recipe, role, layer, nIn) },
      scale: weightScale(recipe, role, nIn, hasHeadNorms),
    };
    if (slot.bias !== 'required') return [matrix];
    return [matrix, planFloats(name.replace(/weight$/, 'bias'), rows, { spread: BIAS_SPREAD })];
  };
  const planned = slots
    .filter(({ slot }) => slot.tiedTo === undefined || recipe.tied !== true)
    .flatMap(({ slot, layer }) => plan(slot, layer));
  // Several nodes may read one tensor.
  return [...new Map(planned.map((tensor) => [tensor.name, tensor])).values()];
}

function planFloats(name: string, dims: readonly number[], floats: Floats): PlannedTensor {
  return { name, dims, type: 'F32', scale: 'mean' in floats ? floats.mean : floats.spread, floats };
}

/** Standard deviation of the head's logits: the best of 151,936 tokens then leads by about 0.7. */
const HEAD_SCALE = 3;

/**
 * What attention and experts add to the residual stream, against plain 1/sqrt(nIn). Attention averages over positions and so makes them alike:
 * with both at 1 (and flat attention) most tokens of a prompt are routed to the same experts after some twenty layers.
 */
const ATTENTION_SCALE = 0.6;
const EXPERT_SCALE = 2;
/** Mean of the norms of queries and keys: scores then spread by 2.25, and a position attends to a few others rather than to all alike. */
const QUERY_KEY_NORM = 1.5;

/** Floats around a mean, each with a fifth of it of its own; or around zero. */
type Floats = { readonly mean: number } | { readonly spread: number };

/** Standard deviation of biases: a tenth of the products that they are added to. */
const BIAS_SPREAD = 0.1;

/** Vectors that are not about 1: heads of a gated delta net forget a tenth of their state from token to token, about. */
const VECTORS: Readonly<Record<string, Floats>> = {
  attn_q_norm: { mean: QUERY_KEY_NORM },
  attn_k_norm: { mean: QUERY_KEY_NORM },
  ssm_a: { mean: -1 },
  ssm_dt: { mean: -2 },
  attn_sinks: { spread: 1 },
  exp_probs_b: { spread: BIAS_SPREAD },
};

/**
 * Root mean square of a weight's values. Inputs of every matrix are near 1 (they come out of a norm), so that 1/sqrt(nIn) gives outputs near 1.
 * Tied embeddings have to be a head too: they start the residual stream low, and the first layers fill it.
 */
function weightScale(recipe: ModelRecipe, role: string, nIn: number, hasHeadNorms: boolean): number {
  switch (role) {
    case 'attn_q':
    case 'attn_k':
      return (hasHeadNorms ? 1 : QUERY_KEY_NORM) / Math.sqrt(nIn);
    case 'token_embd':
      return recipe.tied === true ? HEAD_SCALE / Math.sqrt(nIn) : 1;
    case 'ffn_gate_inp':
      return (recipe.routerScale ?? 3) / Math.sqrt(nIn);
    case 'output':
      return HEAD_SCALE / Math.sqrt(nIn);
    case 'attn_output':
      return ATTENTION_SCALE / Math.sqrt(nIn);
    case 'ffn_down':
    case 'ffn_down_exps':
      return EXPERT_SCALE / Math.sqrt(nIn);
    default:
      return 1 / Math.sqrt(nIn);
  }
}

function floatValues(dims: readonly number[], floats: Floats, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const one =
    'mean' in floats ? () => floats.mean * (1 + 0.2 * random.normal()) : () => floats.spread * random.normal();
  return new Uint8Array(Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, one).buffer);
}

/** Bytes written at a time, about. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** Whole rows of a matrix. The bytes of a chunk are overwritten by the next. */
function* matrixChunks(
  stream: BlockStream,
  dims: readonly number[],
  position: number,
  firstRow: number,
): Generator<Uint8Array> {
  const bytesPerRow = rowBytes(stream.type, dims[0] ?? 0);
  const rows = countRows(dims);
  const rowsAtOnce = Math.min(rows, Math.max(1, Math.floor(CHUNK_BYTES / bytesPerRow)));
  const buffer = new Uint8Array(rowsAtOnce * bytesPerRow);
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const chunk = buffer.subarray(0, Math.min(rowsAtOnce, rows - row) * bytesPerRow);
    stream.read(position + row * bytesPerRow, chunk);
    markRows(chunk, stream.type, bytesPerRow, firstRow + row);
    yield chunk;
  }
}

function countRows(dims: readonly number[]): number {
  return dims.slice(1).reduce((a, b) => a * b, 1);
}
