import { open } from 'node:fs/promises';
import { seededRandom } from '../../src/base/random';
import { ggmlType, type QuantType } from '../../src/gguf/ggml-types';
import { randomBlocks } from '../../src/gguf/random-blocks';
import {
  ggufBytes,
  writeGguf,
  type GgufLayout,
  type GgufToWrite,
  type TensorToWrite,
  type TypedValue,
} from '../../src/gguf/writer';
import type { WeightRole } from '../../src/model/stages';
import { WEIGHTS } from '../../src/model/weights';
import { tokenizerMetadata } from './gguf-vocabulary';

export interface ModelShape {
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly nExpert: number;
  readonly nExpertUsed: number;
  readonly nFfExp: number;
  readonly nVocab: number;
}

/** One type for all layers, or a type a layer (a real Q4_K_M mixes types between layers). */
export type TypeChoice = QuantType | ((layer: number) => QuantType);

export interface ModelRecipe {
  /** What is not given is that of {@link SMALL_SHAPE}. */
  readonly shape?: Partial<ModelShape>;
  /** Type of every matrix that `types` does not name; F32 by default. Norms and the router are F32 unless named. */
  readonly type?: TypeChoice;
  readonly types?: Partial<Record<WeightRole, TypeChoice>>;
  readonly seed?: number;
  readonly theta?: number;
  readonly eps?: number;
  /** No `output.weight`: the head is the token embedding. */
  readonly tied?: boolean;
  readonly version?: number;
  readonly alignment?: number;
  readonly name?: string;
  /** Scale of the router's logits, in standard deviations: larger routes more decidedly. */
  readonly routerScale?: number;
}

export const SMALL_SHAPE: ModelShape = {
  nLayer: 2,
  nEmbd: 64,
  nHead: 4,
  nHeadKv: 2,
  headDim: 16,
  nExpert: 4,
  nExpertUsed: 2,
  nFfExp: 32,
  nVocab: 288,
};

/** Roles that real files keep in F32. */
const F32_ROLES: readonly WeightRole[] = [
  'attn_norm',
  'attn_q_norm',
  'attn_k_norm',
  'ffn_norm',
  'output_norm',
  'ffn_gate_inp',
];

/** What llama.cpp falls back to when a row is no multiple of a super-block. */
const FALLBACK: Partial<Record<QuantType, QuantType>> = {
  Q2_K: 'IQ4_NL',
  Q3_K: 'IQ4_NL',
  IQ4_XS: 'IQ4_NL',
  Q4_K: 'Q5_0',
  Q5_K: 'Q5_1',
  Q6_K: 'Q8_0',
};

/** A whole small qwen3moe GGUF in memory, seeded. Weights are about 1/sqrt(nIn), so that activations stay near 1 from layer to layer. */
export function makeModel(recipe: ModelRecipe = {}): Uint8Array<ArrayBuffer> {
  return ggufBytes(modelToWrite(recipe));
}

/** The same as a plan for the writer: tensors are made one by one when they are written. */
export function modelToWrite(recipe: ModelRecipe = {}): GgufToWrite {
  const shape = { ...SMALL_SHAPE, ...recipe.shape };
  return {
    metadata: modelMetadata(recipe, shape),
    tensors: modelTensors(recipe, shape),
    ...(recipe.version === undefined ? {} : { version: recipe.version }),
    ...(recipe.alignment === undefined ? {} : { alignment: recipe.alignment }),
  };
}

function modelMetadata(recipe: ModelRecipe, shape: ModelShape): readonly (readonly [string, TypedValue])[] {
  const sizes: readonly (readonly [string, number])[] = [
    ['block_count', shape.nLayer],
    ['context_length', 4096],
    ['embedding_length', shape.nEmbd],
    ['expert_feed_forward_length', shape.nFfExp],
    ['attention.head_count', shape.nHead],
    ['attention.head_count_kv', shape.nHeadKv],
    ['attention.key_length', shape.headDim],
    ['attention.value_length', shape.headDim],
    ['expert_count', shape.nExpert],
    ['expert_used_count', shape.nExpertUsed],
  ];
  return [
    ['general.architecture', { type: 'string', value: 'qwen3moe' }],
    ['general.name', { type: 'string', value: recipe.name ?? 'generated qwen3moe' }],
    ...sizes.map(([key, value]): [string, TypedValue] => [`qwen3moe.${key}`, { type: 'uint32', value }]),
    ['qwen3moe.rope.freq_base', { type: 'float32', value: recipe.theta ?? 1e6 }],
    ['qwen3moe.attention.layer_norm_rms_epsilon', { type: 'float32', value: recipe.eps ?? 1e-6 }],
    ...tokenizerMetadata(shape.nVocab),
  ];
}

function modelTensors(recipe: ModelRecipe, shape: ModelShape): readonly TensorToWrite[] {
  const sizes = { ...shape, qDim: shape.nHead * shape.headDim, kvDim: shape.nHeadKv * shape.headDim };
  const seed = recipe.seed ?? 1;
  const tensors: TensorToWrite[] = [];
  const add = (role: WeightRole, layer: number): void => {
    const spec = WEIGHTS[role];
    const dims = spec.dims.map((d) => sizes[d]);
    const nIn = dims[0] ?? 0;
    const type = fitting(chosenType(recipe, role, layer), nIn);
    const tensorSeed = seed * 100_003 + tensors.length;
    tensors.push({
      name: spec.name.replace('{l}', String(layer)),
      dims,
      type,
      chunks: () => weightChunks(role, dims, type, tensorSeed, recipe.routerScale ?? 3),
    });
  };
  const roles = Object.keys(WEIGHTS) as WeightRole[];
  for (const role of roles) {
    if (role === 'output' && recipe.tied === true) continue;
    if (!WEIGHTS[role].name.includes('{l}')) add(role, 0);
  }
  for (let layer = 0; layer < shape.nLayer; layer++) {
    for (const role of roles) if (WEIGHTS[role].name.includes('{l}')) add(role, layer);
  }
  return tensors;
}

function chosenType(recipe: ModelRecipe, role: WeightRole, layer: number): QuantType {
  const choice = recipe.types?.[role] ?? (F32_ROLES.includes(role) ? 'F32' : (recipe.type ?? 'F32'));
  return typeof choice === 'string' ? choice : choice(layer);
}

/** The type itself, or what llama.cpp would take instead for rows of this length. */
function fitting(type: QuantType, rowLength: number): QuantType {
  if (rowLength % ggmlType(type).blockSize === 0) return type;
  const fallback = FALLBACK[type];
  return fallback !== undefined && rowLength % ggmlType(fallback).blockSize === 0 ? fallback : 'F16';
}

/** Elements made at a time. */
const CHUNK_ROWS = 256;

function* weightChunks(
  role: WeightRole,
  dims: readonly number[],
  type: QuantType,
  seed: number,
  routerScale: number,
): Generator<Uint8Array> {
  const random = seededRandom(seed);
  const nIn = dims[0] ?? 0;
  const rows = dims.slice(1).reduce((a, b) => a * b, 1);
  if (dims.length === 1 && type === 'F32') {
    // Norms: around 1, each channel its own.
    yield new Uint8Array(Float32Array.from({ length: nIn }, () => 1 + 0.2 * random.normal()).buffer);
    return;
  }
  const rms = role === 'token_embd' ? 1 : (role === 'ffn_gate_inp' ? routerScale : 1) / Math.sqrt(nIn);
  for (let row = 0; row < rows; row += CHUNK_ROWS) {
    yield randomBlocks(type, Math.min(CHUNK_ROWS, rows - row) * nIn, rms, random);
  }
}

/** A model on disk, written tensor by tensor. */
export async function writeModelFile(path: string, file: GgufToWrite): Promise<GgufLayout> {
  const handle = await open(path, 'w');
  try {
    const layout = await writeGguf(file, async (bytes, offset) => {
      await handle.write(bytes, 0, bytes.length, offset);
    });
    await handle.truncate(layout.bytes);
    return layout;
  } finally {
    await handle.close();
  }
}

/**
 * A model whose tensors lie beyond `holeBytes` (default 4 GiB + 4 KiB), behind one unused tensor that is a hole of the sparse file: large to
 * every reader, small on disk.
 */
export function makeSparseModel(
  path: string,
  recipe: ModelRecipe = {},
  holeBytes = 2 ** 32 + 4096,
): Promise<GgufLayout> {
  const model = modelToWrite(recipe);
  const hole: TensorToWrite = { name: 'unused.padding', dims: [holeBytes / 4], type: 'F32' };
  return writeModelFile(path, { ...model, tensors: [hole, ...model.tensors] });
}
