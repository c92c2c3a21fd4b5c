import type { QuantType } from '../../../src/gguf/ggml-types';
import type { DecodeWeights } from '../../../src/gpu/decode/decode-weights';
import type { GpuContext } from '../../../src/gpu/device';
import type { PlacedRows } from '../../../src/gpu/weights/placed-rows';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { gpuRowWords } from '../../../src/ops/weight-layout';
import type { HParams } from '../../../src/model/hparams';
import { weightDims, type WeightSlot } from '../../../src/arch/graph';
import { graphOf } from '../../../src/model/graph-of';
import { usesMoreBits } from '../../../src/synthetic/type-mix';
import { tensorOf } from '../../support/tensors';
import { cutTiles } from '../../gpu/decode/file-weights';
import { randomWeights } from '../../../src/selftest/random-weights';

/** Different rows of a type; tensors repeat them. */
const POOL_ROWS = 1024;

/** Roles whose tensors a Q4_K_M file has in more bits in some layers, and those that are stacked. */
const MORE_BITS: ReadonlySet<string> = new Set(['attn_v', 'ffn_down_exps']);
const STACKED: ReadonlySet<string> = new Set(['attn_q', 'attn_k', 'attn_v']);

/** The shape of Qwen3-30B-A3B, with as many layers as asked for. */
export function qwen3Shape(nLayer: number): HParams {
  return {
    arch: 'qwen3moe',
    nLayer,
    nEmbd: 2048,
    nHead: 32,
    nHeadKv: 4,
    headDim: 128,
    nExpert: 128,
    nExpertUsed: 8,
    nFfExp: 768,
    nVocab: 151_936,
    nCtxTrain: 40_960,
    rmsEps: 1e-6,
    ropeTheta: 1e6,
    qDim: 4096,
    kvDim: 512,
    tiedEmbeddings: false,
  };
}

/** Weights of random valid blocks in the types of a Q4_K_M file, made on the GPU: what they are does not matter to the time. */
export class RandomModel implements DecodeWeights {
  bytes = 0;
  readonly #context: GpuContext;
  readonly #hparams: HParams;
  readonly #pools = new Map<string, GPUBuffer>();
  readonly #matrices = new Map<string, readonly PlacedRows[]>();
  readonly #vectors = new Map<string, GPUBuffer>();
  readonly #stacks = new Map<string, readonly (readonly PlacedRows[])[]>();

  constructor(context: GpuContext, hparams: HParams) {
    this.#context = context;
    this.#hparams = hparams;
  }

  matrix(slot: WeightSlot): readonly PlacedRows[] {
    const found = this.#matrices.get(slot.name) ?? this.#make(slot);
    this.#matrices.set(slot.name, found);
    return found;
  }

  vector(slot: WeightSlot): GPUBuffer {
    let found = this.#vectors.get(slot.name);
    if (found === undefined) {
      const length = this.#dims(slot).reduce((product, dim) => product * dim, 1);
      found = this.#context.allocate(slot.name, 4 * length, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
      this.#context.device.queue.writeBuffer(found, 0, new Float32Array(length).fill(1));
      this.#vectors.set(slot.name, found);
    }
    return found;
  }

  /** Neighbours of one type share a buffer, as an engine's weights do. */
  stacks(slots: readonly WeightSlot[]): readonly (readonly PlacedRows[])[] {
    const key = slots.map(({ name }) => name).join();
    const found = this.#stacks.get(key) ?? this.#stack(slots);
    this.#stacks.set(key, found);
    return found;
  }

  #stack(slots: readonly WeightSlot[]): readonly (readonly PlacedRows[])[] {
    const runs: { readonly type: QuantType; readonly nIn: number; rows: number }[] = [];
    for (const slot of slots) {
      const [nIn = 1, rows = 1] = this.#dims(slot);
      const type = this.#typeOf(slot);
      const last = runs.at(-1);
      if (last?.type === type) last.rows += rows;
      else runs.push({ type, nIn, rows });
    }
    return runs.map(({ type, nIn, rows }) => {
      const buffer = this.#filled('stack', type, nIn, rows);
      return [{ tensor: tensorOf('stack', [nIn, rows], type), firstRow: 0, rows, buffer, offset: 0 }];
    });
  }

  unfit(): undefined {
    return undefined;
  }

  #dims(slot: WeightSlot): readonly number[] {
    return weightDims(slot, graphOf(this.#hparams).graph.sizes);
  }

  #make(slot: WeightSlot): readonly PlacedRows[] {
    const dims = this.#dims(slot);
    const [nIn = 1, nOut = 1, nExpert = 1] = dims;
    const type = this.#typeOf(slot);
    const tensor = tensorOf(slot.name, dims, type);
    const rowBytes = 4 * gpuRowWords(type, nIn);
    const cuts = cutTiles(nOut * nExpert, nOut, rowBytes, this.#context.maxBindingBytes);
    // What is stacked is not made twice.
    const isStacked = STACKED.has(slot.role);
    return cuts.map((cut) => {
      const buffer = this.#filled(slot.name, type, nIn, isStacked ? 1 : cut.rows);
      return { tensor, ...cut, buffer, offset: 0 };
    });
  }

  #filled(label: string, type: QuantType, nIn: number, rows: number): GPUBuffer {
    const pool = this.#pool(type, nIn);
    const size = rows * 4 * gpuRowWords(type, nIn);
    const buffer = this.#context.allocate(
      label,
      size,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    );
    this.bytes += size;
    const encoder = this.#context.device.createCommandEncoder();
    for (let at = 0; at < size; at += pool.size) {
      encoder.copyBufferToBuffer(pool, 0, buffer, at, Math.min(pool.size, size - at));
    }
    this.#context.device.queue.submit([encoder.finish()]);
    return buffer;
  }

  #typeOf({ role, name }: WeightSlot): QuantType {
    if (role === 'output') return 'Q6_K';
    if (role === 'ffn_gate_inp') return 'F32';
    const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? 0);
    const isMore = MORE_BITS.has(role) && usesMoreBits(layer, this.#hparams.nLayer);
    return isMore ? 'Q6_K' : 'Q4_K';
  }

  #pool(type: QuantType, nIn: number): GPUBuffer {
    const key = `${type} ${nIn}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      const words = repackRows(type, randomWeights(type, POOL_ROWS, nIn, 'normal', nIn), POOL_ROWS, nIn);
      const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
      pool = this.#context.allocate(`pool ${key}`, words.byteLength, usage);
      this.#context.device.queue.writeBuffer(pool, 0, words);
      this.#pools.set(key, pool);
    }
    return pool;
  }
}
