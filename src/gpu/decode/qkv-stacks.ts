import type { QuantType } from '../../gguf/ggml-types';
import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import { gpuRowWords } from '../matmul/weight-layout';
import type { DecodeWeights } from './decode-weights';

/** Matrices of one type that lie in one buffer as if they were one. */
export interface Stack {
  readonly type: QuantType;
  readonly buffer: GPUBuffer;
  /** Of all of them. */
  readonly rows: number;
  /** Made here, and released with the stacks. */
  readonly isCopy: boolean;
}

const QKV = ['attn_q', 'attn_k', 'attn_v'] as const;

/**
 * q, k and v of every layer, in this order, in as few stacks as their types allow: one code for one type keeps the kernel short. Neighbours
 * of one type are copied together where their buffers may be copied from and one binding holds them (2 % of the weights of
 * Qwen3-30B-A3B); otherwise each is a stack of its own.
 */
export async function stackQkv(
  context: GpuContext,
  hparams: HParams,
  weights: DecodeWeights,
): Promise<readonly (readonly Stack[])[]> {
  const encoder = context.device.createCommandEncoder();
  const layers: Stack[][] = [];
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    const given = weights.qkv?.(layer);
    if (given !== undefined) {
      layers.push(given.map((stack) => ({ ...stack, isCopy: false })));
      continue;
    }
    const stacks: Stack[] = [];
    for (const run of runsOf(context, hparams, weights, layer)) {
      const [only] = run;
      if (only === undefined) continue;
      const bytes = run.reduce((sum, part) => sum + part.bytes, 0);
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
      const buffer = run.length > 1 ? await context.tryAllocate(`decode qkv ${layer}`, bytes, usage) : undefined;
      if (buffer === undefined) {
        // Alone, or no room for copies.
        for (const part of run) stacks.push({ ...part, isCopy: false });
        continue;
      }
      let at = 0;
      for (const part of run) {
        encoder.copyBufferToBuffer(part.buffer, 0, buffer, at, part.bytes);
        at += part.bytes;
      }
      stacks.push({ type: only.type, buffer, rows: run.reduce((sum, part) => sum + part.rows, 0), isCopy: true });
    }
    layers.push(stacks);
  }
  context.device.queue.submit([encoder.finish()]);
  return layers;
}

interface Part {
  readonly type: QuantType;
  readonly buffer: GPUBuffer;
  readonly rows: number;
  readonly bytes: number;
}

/** Neighbours that can be one stack. */
function runsOf(context: GpuContext, hparams: HParams, weights: DecodeWeights, layer: number): readonly Part[][] {
  const runs: Part[][] = [];
  for (const role of QKV) {
    const { type, tiles } = weights.matrix(role, layer);
    for (const { buffer, rows } of tiles) {
      const part = { type, buffer, rows, bytes: 4 * rows * gpuRowWords(type, hparams.nEmbd) };
      const last = runs.at(-1);
      const all = [...(last ?? []), part];
      const fits = all.reduce((sum, { bytes }) => sum + bytes, 0) <= context.maxBindingBytes;
      const copies = all.every((p) => (p.buffer.usage & GPUBufferUsage.COPY_SRC) !== 0);
      if (last !== undefined && last[0]?.type === type && fits && copies) last.push(part);
      else runs.push([part]);
    }
  }
  return runs;
}
