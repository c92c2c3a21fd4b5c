import type { QuantType } from '../../../src/gguf/ggml-types';
import type { DecodeMatrix, DecodeWeights } from '../../../src/gpu/decode/decode-weights';
import type { GpuContext } from '../../../src/gpu/device';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { gpuRowWords } from '../../../src/gpu/matmul/weight-layout';
import type { HParams } from '../../../src/model/hparams';
import type { WeightRole } from '../../../src/model/stages';
import { weightDims } from '../../../src/arch/graph';
import { graphOf } from '../../../src/model/graph-of';
import { isOfLayer, weightSlot } from '../../../src/model/weights';
import { usesMoreBits } from '../../../src/synthetic/type-mix';
import { cutTiles } from '../../gpu/decode/file-weights';
import { randomWeights } from '../../../src/selftest/random-weights';

/** Different rows of a type; tensors repeat them. */
const POOL_ROWS = 1024;

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
  readonly #matrices = new Map<string, DecodeMatrix>();
  readonly #vectors = new Map<string, GPUBuffer>();

  constructor(context: GpuContext, hparams: HParams) {
    this.#context = context;
    this.#hparams = hparams;
  }

  matrix(role: WeightRole, layer?: number): DecodeMatrix {
    const key = `${role} ${String(layer)}`;
    let found = this.#matrices.get(key);
    if (found === undefined) {
      found = this.#make(role, layer);
      this.#matrices.set(key, found);
    }
    return found;
  }

  vector(role: WeightRole, layer?: number): GPUBuffer {
    const key = `${role} ${String(layer)}`;
    let found = this.#vectors.get(key);
    if (found === undefined) {
      const length = this.#dims(role).reduce((product, dim) => product * dim, 1);
      found = this.#context.allocate(key, 4 * length, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
      this.#context.device.queue.writeBuffer(found, 0, new Float32Array(length).fill(1));
      this.#vectors.set(key, found);
    }
    return found;
  }

  #dims(role: WeightRole): readonly number[] {
    const slot = weightSlot(this.#hparams, role, isOfLayer(role) ? 0 : undefined);
    return weightDims(slot, graphOf(this.#hparams).graph.sizes);
  }

  #make(role: WeightRole, layer: number | undefined): DecodeMatrix {
    const [nIn = 1, nOut = 1, nExpert = 1] = this.#dims(role);
    const type = this.#typeOf(role, layer ?? 0);
    const rowBytes = 4 * gpuRowWords(type, nIn);
    const cuts = cutTiles(nOut * nExpert, nOut, rowBytes, this.#context.maxBindingBytes);
    const tiles = cuts.map((cut) => ({ buffer: this.#filled(role, type, nIn, cut.rows), ...cut }));
    return { type, tiles };
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

  #typeOf(role: WeightRole, layer: number): QuantType {
    if (role === 'output') return 'Q6_K';
    if (role === 'ffn_gate_inp') return 'F32';
    if (role === 'attn_v' || role === 'ffn_down_exps')
      return usesMoreBits(layer, this.#hparams.nLayer) ? 'Q6_K' : 'Q4_K';
    return 'Q4_K';
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
