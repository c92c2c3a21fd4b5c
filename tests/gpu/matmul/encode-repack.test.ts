import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ggmlType, QUANT_TYPES, rowBytes } from '../../../src/gguf/ggml-types';
import type { GpuContext } from '../../../src/gpu/device';
import { encodeRepack, isFileLayout, prepareRepack } from '../../../src/gpu/matmul/encode-repack';
import { repackRows } from '../../../src/gpu/matmul/repack';
import { gpuRowWords } from '../../../src/gpu/matmul/weight-layout';
import { Recorder } from '../../../src/gpu/recorder';
import { guardedOutput, UNWRITTEN_BITS, upload } from '../../../src/gpu/probe/guarded';
import { readGuarded, testContext } from '../../support/gpu';

let context: GpuContext;
beforeAll(async () => {
  context = await testContext('default');
});
afterAll(() => {
  context.dispose();
});

describe.each(QUANT_TYPES)('%s', (type) => {
  const { blockSize } = ggmlType(type);
  it.each(blockSize === 1 ? [1, 37, 64] : [blockSize, 3 * blockSize, 8 * blockSize])(
    'is repacked on the GPU as on the CPU: rows of %i, after others',
    async (nIn) => {
      const nRows = 5;
      const bytes = Uint8Array.from({ length: nRows * rowBytes(type, nIn) }, (_, i) => 1 + (i % 255));
      const expected = repackRows(type, bytes, nRows, nIn);
      const to = 3 * gpuRowWords(type, nIn);
      const target = guardedOutput(context, to + expected.length);
      const recorder = new Recorder(context);
      const pipeline = await prepareRepack(context);
      const words = await context.step(() => {
        encodeRepack(recorder, pipeline, { type, nIn, nRows, source: upload(context, bytes), target, to });
        recorder.submit();
        return readGuarded(context, target);
      });
      recorder.dispose();
      expect(words.slice(to)).toEqual(expected);
      expect(words.slice(0, to).every((word) => word === UNWRITTEN_BITS)).toBe(true);
      if (isFileLayout(type, nIn)) expect(new Uint8Array(expected.buffer)).toEqual(bytes);
    },
  );
});
