import type { QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { encodeMatmul, prepareMatmul } from '../../../src/gpu/matmul/encode-matmul';
import type { MatmulMethod } from '../../../src/gpu/matmul/variants';
import { gpuRowWords } from '../../../src/ops/weight-layout';
import { workList } from '../../../src/gpu/matmul/work-list';
import { Recorder } from '../../../src/gpu/recorder';
import { routing, type BenchShape } from './shapes';

export interface Timing {
  /** Microseconds a dispatch, each waiting for the one before (they share y). */
  readonly microseconds: number;
  /** Bytes of weights that a dispatch must read, each matrix once. */
  readonly weightBytes: number;
  /** Multiplications and additions of a dispatch. */
  readonly operations: number;
}

/** Weights to read from: far more than any cache, and what one binding may show. */
const POOL_BYTES = 768 * 2 ** 20;
/** A measurement lasts at least this long. */
const LEAST_MS = 60;
const MOST_DISPATCHES = 2000;
/** Different work lists, so that successive dispatches read different matrices. */
const LISTS = 16;

/** Buffers that all measurements share. */
export interface Pool {
  readonly weights: GPUBuffer;
  readonly bytes: number;
  dispose(): void;
}

/** A buffer of random words: the time does not depend on what the weights are. */
export function makePool(context: GpuContext): Pool {
  const bytes = Math.min(POOL_BYTES, context.maxBindingBytes);
  const weights = context.allocate('weights', bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
  const chunk = new Uint32Array(2 ** 22);
  for (let i = 0; i < chunk.length; i++) chunk[i] = Math.imul(i + 1, 0x9e3779b9) & 0x3fff_3fff;
  for (let at = 0; at < bytes; at += chunk.byteLength) {
    context.device.queue.writeBuffer(weights, at, chunk, 0, Math.min(chunk.byteLength, bytes - at) / 4);
  }
  return {
    weights,
    bytes,
    dispose: () => {
      context.release(weights);
    },
  };
}

/** Times one method on one shape; undefined when the matrix does not fit the pool. */
export async function measure(
  context: GpuContext,
  pool: Pool,
  shape: BenchShape,
  type: QuantType,
  tokens: number,
  method: MatmulMethod,
): Promise<Timing | undefined> {
  const matrixBytes = 4 * gpuRowWords(type, shape.nIn) * shape.nOut;
  const copies = Math.floor(pool.bytes / (matrixBytes * shape.nMatrices));
  if (copies === 0) return undefined;
  const matmul = await prepareMatmul(context, { type, ...shape, rowsPerMatrix: method.tile }, method);

  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const x = context.allocate('x', 4 * tokens * shape.nIn, usage);
  const y = context.allocate('y', 4 * tokens * shape.used * shape.nOut, usage);
  const recorder = new Recorder(context);
  let weightBytes = 0;
  const lists = Array.from({ length: LISTS }, (_, i) => {
    const pairs = routing(shape, tokens, i);
    weightBytes += (pairs.filter((rows) => rows.length > 0).length * matrixBytes) / LISTS;
    const base = (i % copies) * shape.nMatrices;
    const shares = pairs.map((rows, m) => ({ weightWords: ((base + m) * matrixBytes) / 4, rows }));
    return workList(shares, matmul.tile);
  });
  const run = async (dispatches: number): Promise<number> => {
    for (let i = 0; i < dispatches; i++) {
      const list = lists[i % LISTS];
      if (list === undefined) continue;
      const bindings = {
        x: { buffer: x },
        y: { buffer: y },
        weights: { buffer: pool.weights },
        entries: recorder.table(list.entries),
        rows: recorder.table(list.rows),
      };
      encodeMatmul(recorder, matmul, bindings, { xStride: shape.nIn, yStride: shape.nOut }, list.entryCount);
    }
    const start = performance.now();
    recorder.submit();
    await context.device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  try {
    return await context.step(async () => {
      const few = await dispatchesFor(run);
      // The difference of a long and a short run leaves out what submitting and waiting cost.
      const short = Math.min(await run(few), await run(few));
      const long = Math.min(await run(3 * few), await run(3 * few));
      const microseconds = ((long - short) * 1000) / (2 * few);
      const operations = 2 * tokens * shape.used * shape.nIn * shape.nOut;
      return { microseconds, weightBytes, operations };
    });
  } finally {
    recorder.dispose();
    context.release(x);
    context.release(y);
  }
}

/** How many dispatches last LEAST_MS; warms up on the way. */
async function dispatchesFor(run: (dispatches: number) => Promise<number>): Promise<number> {
  await run(1);
  let dispatches = 1;
  let ms = await run(dispatches);
  while (ms < LEAST_MS / 4 && dispatches < MOST_DISPATCHES) {
    dispatches *= 4;
    ms = await run(dispatches);
  }
  return Math.min(MOST_DISPATCHES, Math.ceil((dispatches * LEAST_MS) / ms));
}

/** The timing as columns of the table. */
export function describeTiming(timing: Timing): string {
  const gbPerSecond = timing.weightBytes / timing.microseconds / 1000;
  const teraflops = timing.operations / timing.microseconds / 1e6;
  return `${timing.microseconds.toFixed(1).padStart(9)} us ${gbPerSecond.toFixed(0).padStart(6)} GB/s ${teraflops.toFixed(2).padStart(7)} TFLOP/s`;
}
