import { ggmlType, type QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { encodeDequantRows, prepareDequantRows } from '../../../src/gpu/matmul/encode-matmul';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, upload } from '../../../src/gpu/probe/guarded';
import { readOutput } from '../../support/gpu';
import { randomWeights, type WeightKind } from '../../../src/selftest/random-weights';
import { dequantised } from './twin';

const N_ROWS = 5;
const SEED = 3;

/** A row length that is several blocks, and for floats no multiple of anything. */
export function oddRowLength(type: QuantType): number {
  const { blockSize } = ggmlType(type);
  return blockSize === 1 ? 77 : 3 * blockSize;
}

/** The rows of one random matrix as the GPU and as the reference dequantise them, flat. */
export async function dequantBoth(
  context: GpuContext,
  type: QuantType,
  kind: WeightKind,
  rows: readonly number[],
): Promise<{ readonly gpu: Float32Array; readonly reference: Float32Array }> {
  const nIn = oddRowLength(type);
  const bytes = randomWeights(type, N_ROWS, nIn, kind, SEED);
  const row = dequantised(type, bytes, N_ROWS, nIn);
  const reference = new Float32Array(rows.length * nIn);
  rows.forEach((r, i) => {
    reference.set(row(r), i * nIn);
  });

  const recorder = new Recorder(context);
  const y = guardedOutput(context, rows.length * nIn);
  const bindings = {
    rows: upload(context, Uint32Array.from(rows)),
    weights: upload(context, repackRows(type, bytes, N_ROWS, nIn)),
    y,
  };
  const pipeline = await prepareDequantRows(context, type);
  const gpu = await context.step(() => {
    encodeDequantRows(recorder, pipeline, bindings, { type, nIn, count: rows.length });
    recorder.submit();
    return readOutput(context, y);
  });
  recorder.dispose();
  for (const { buffer } of Object.values(bindings)) context.release(buffer);
  return { gpu, reference };
}
