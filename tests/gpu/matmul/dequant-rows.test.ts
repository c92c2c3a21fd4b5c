import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { f32Bits } from '../../../src/base/float';
import { ggmlType, QUANT_TYPES, type QuantType } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import {
  encodeDequantRows,
  encodeMatmul,
  prepareDequantRows,
  prepareMatmul,
} from '../../../src/gpu/matmul/encode-matmul';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { denseWorkList } from '../../../src/gpu/matmul/work-list';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, readOutput, testContext, upload } from '../../support/gpu';
import { randomWeights, type WeightKind } from './random-weights';
import { dequantised } from './twin';

let context: GpuContext;
let recorder: Recorder;
beforeAll(async () => {
  context = await testContext('default');
  recorder = new Recorder(context);
});
afterAll(() => {
  recorder.dispose();
  context.dispose();
});

const N_ROWS = 5;

function rowLength(type: QuantType): number {
  const { blockSize } = ggmlType(type);
  return blockSize === 1 ? 77 : 3 * blockSize;
}

async function gpuRows(type: QuantType, kind: WeightKind, rows: readonly number[]): Promise<Float32Array> {
  const nIn = rowLength(type);
  const weights = upload(context, repackRows(type, randomWeights(type, N_ROWS, nIn, kind, 3), N_ROWS, nIn));
  const y = guardedOutput(context, rows.length * nIn);
  const bindings = { rows: upload(context, Uint32Array.from(rows)), weights, y };
  const pipeline = await prepareDequantRows(context, type);
  return context.step(() => {
    encodeDequantRows(recorder, pipeline, bindings, { type, nIn, count: rows.length });
    recorder.submit();
    return readOutput(context, y);
  });
}

describe.each(QUANT_TYPES)('%s', (type) => {
  const nIn = rowLength(type);

  it.each(['normal', 'extreme', 'zero'] as const)('gives the reference bits of %s weights', async (kind) => {
    const rows = [4, 0, 0, 3];
    const reference = dequantised(type, randomWeights(type, N_ROWS, nIn, kind, 3), N_ROWS, nIn);
    const expected = rows.flatMap((r) => [...reference(r)].map(f32Bits));
    expect([...(await gpuRows(type, kind, rows))].map(f32Bits)).toEqual(expected);
  });

  it('gives the reference bits through a product with the unit matrix', async () => {
    const bytes = randomWeights(type, N_ROWS, nIn, 'normal', 4);
    const reference = dequantised(type, bytes, N_ROWS, nIn);
    const unit = Float32Array.from({ length: nIn * nIn }, (_, i) => (i % (nIn + 1) === 0 ? 1 : 0));
    const matmul = await prepareMatmul(context, { type, nIn, nOut: N_ROWS, rowsPerMatrix: nIn });
    const list = denseWorkList(nIn, matmul.tile);
    const y = guardedOutput(context, nIn * N_ROWS);
    const bindings = {
      x: upload(context, unit),
      weights: upload(context, repackRows(type, bytes, N_ROWS, nIn)),
      entries: upload(context, list.entries),
      rows: upload(context, list.rows),
      y,
    };
    const out = await context.step(() => {
      encodeMatmul(recorder, matmul, bindings, { xStride: nIn, yStride: N_ROWS }, list.entryCount);
      recorder.submit();
      return readOutput(context, y);
    });
    // Adding zeros turns -0 to +0; every other value is the weight itself.
    for (let o = 0; o < N_ROWS; o++) {
      const column = Array.from({ length: nIn }, (_, k) => out[k * N_ROWS + o] ?? NaN);
      expect(column).toEqual(Array.from(reference(o), (w) => w + 0));
    }
  });
});
