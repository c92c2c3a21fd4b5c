import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { f32Bits } from '../../../src/base/float';
import { QUANT_TYPES } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { encodeMatmul, prepareMatmul } from '../../../src/gpu/matmul/encode-matmul';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { denseWorkList } from '../../../src/gpu/matmul/work-list';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, upload } from '../../../src/gpu/probe/guarded';
import { readOutput, testContext } from '../../support/gpu';
import { randomWeights } from '../../../src/selftest/random-weights';
import { dequantBoth, oddRowLength } from './run-dequant';
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

describe.each(QUANT_TYPES)('%s', (type) => {
  const nIn = oddRowLength(type);

  it.each(['normal', 'extreme', 'zero'] as const)('gives the reference bits of %s weights', async (kind) => {
    const { gpu, reference } = await dequantBoth(context, type, kind, [4, 0, 0, 3]);
    expect(Array.from(gpu, f32Bits)).toEqual(Array.from(reference, f32Bits));
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
