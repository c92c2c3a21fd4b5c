import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { adoptLayout } from '../../src/trace/adopt-layout';
import { decodeAprt, encodeAprt } from '../../src/trace/aprt';
import { decodeNpz } from '../../src/trace/npz';
import { readTraces } from '../../src/trace/read-traces';
import { filesToTraces, tensorFiles, tracesToFiles } from '../../src/trace/trace-files';
import { createTrace, traceBytes } from '../../src/trace/trace';
import { readZip, writeZip } from '../../src/trace/zip';
import { loadGolden } from '../support/golden';
import { findCapture, captureOf } from '../support/captures';
import { anyTrace, bitsOf, damaged, formatErrorOf, plain, toleratesHostile } from './arbitrary';
import { locationKey } from '../../src/model/location';

const GPU = { arm: 'gpu', mode: 'free' } as const;

describe('saved trees', () => {
  it('an APRT tree keeps everything but bounds', () => {
    fc.assert(
      fc.property(anyTrace, (trace) => {
        const read = filesToTraces(tracesToFiles([trace], 'aprt'), 'x');
        expect(read.ignored).toEqual([]);
        expect(read.traces.map((t) => plain(t))).toEqual([plain(trace, { bounds: false })]);
      }),
      { seed: 9 },
    );
  });

  it('an NPZ keeps everything', () => {
    fc.assert(
      fc.property(anyTrace, (trace) => {
        const read = readTraces(writeZip(tracesToFiles([trace], 'npy')), 'x.npz');
        expect(read.traces.map((t) => plain(t))).toEqual([plain(trace)]);
      }),
      { seed: 10 },
    );
  });

  const gpu = createTrace({ ...GPU, modelName: 'm', tokens: [5, 6] }, [
    captureOf('lm_head', undefined, [1, 3], [1, 2, 3], { positions: [1] }),
    captureOf('moe_router_indices', 4, [2, 2], [3, 1, 0, 2]),
    captureOf('embedding', undefined, [2, 2], [1, 2, 3, 4]),
    captureOf('attn_scores', 0, [2, 1, 2], [1, 2, 3, 4]),
  ]);
  const isolated = createTrace({ ...GPU, mode: 'isolated' }, [captureOf('attn_norm', 0, [1, 2], [7, 8])]);

  it('has the documented paths', () => {
    expect([...tracesToFiles([gpu, isolated], 'aprt').keys()]).toEqual([
      'gpu/layer-0/embedding.bin',
      'gpu/layer-0/attn_scores.bin',
      'gpu/layer-4/moe_router_indices.bin',
      'gpu/lm_head.bin',
      'gpu-isolated/layer-0/attn_norm.bin',
      'trace.json',
    ]);
  });

  it("an APRT header's layer is that of its folder; whole-model stages have none", () => {
    const files = new Map(tensorFiles(gpu, 'aprt'));
    const layerOf = (path: string): number | undefined => decodeAprt(files.get(path) ?? new Uint8Array(), path).layer;
    expect(layerOf('gpu/layer-4/moe_router_indices.bin')).toBe(4);
    expect(layerOf('gpu/layer-0/embedding.bin')).toBe(0);
    expect(layerOf('gpu/lm_head.bin')).toBeUndefined();
  });

  it('reads several engines from below any folder', () => {
    const moved = new Map(
      [...tracesToFiles([gpu, isolated], 'aprt')].map(([path, bytes]) => [`my/dump/${path}`, bytes]),
    );
    const { traces } = filesToTraces(moved, 'x');
    expect(traces.map((t) => plain(t))).toEqual([plain(gpu), plain(isolated)]);
  });

  it('names what it leaves out', () => {
    const files = new Map([
      ...tracesToFiles([gpu], 'aprt'),
      ['notes.txt', new Uint8Array()],
      ['gpu/odd.bin', new Uint8Array()],
    ]);
    expect(filesToTraces(files, 'x').ignored).toEqual(['notes.txt', 'gpu/odd.bin']);
  });

  it('will not save two traces into one folder', () => {
    expect(formatErrorOf(() => tracesToFiles([gpu, gpu], 'aprt')).message).toContain('two for gpu');
  });

  it.each([
    ['another layer', ['gpu/layer-3/attn_norm.bin', encodeAprt(2, Float32Array.of(1))], 'found 2'],
    ['a layer on a whole-model stage', ['gpu/lm_head.bin', encodeAprt(2, Float32Array.of(1))], 'whole-model'],
    ['a damaged file', ['gpu/layer-3/attn_norm.bin', Uint8Array.of(1, 2)], 'layer-3/attn_norm.bin'],
    [
      'an index that is none',
      ['gpu/layer-3/moe_router_indices.bin', encodeAprt(3, Float32Array.of(1, NaN))],
      'element 1',
    ],
    ['a fractional index', ['gpu/layer-3/moe_router_indices.bin', encodeAprt(3, Float32Array.of(0.5))], '0.5'],
    ['no tensor', ['readme.md', new Uint8Array()], 'none'],
    ['a trace.json of another kind', ['trace.json', new TextEncoder().encode('{"schema":"other/9"}')], 'other/9'],
    ['a trace.json that is not JSON', ['trace.json', Uint8Array.of(123)], 'JSON'],
  ] as const)('refuses %s', (_, [path, bytes], message) => {
    expect(formatErrorOf(() => filesToTraces(new Map([[path, bytes]]), 'dump')).message).toContain(message);
  });

  it('refuses a shape that the data do not have, and two names for one stage', () => {
    const files = new Map(tracesToFiles([isolated], 'aprt'));
    files.set('gpu-isolated/layer-0/attn_norm.bin', encodeAprt(0, Float32Array.of(1, 2, 3)));
    expect(formatErrorOf(() => filesToTraces(files, 'x')).message).toContain('expected 2 elements');
    const twice = new Map([
      ['layer-0/layer_output.bin', encodeAprt(0, Float32Array.of(1))],
      ['layer-0/post_ffn_residual.bin', encodeAprt(0, Float32Array.of(1))],
    ]);
    expect(formatErrorOf(() => filesToTraces(twice, 'x')).message).toContain('second');
  });

  it('survives damage to any byte of an archive', () => {
    const zip = writeZip(tracesToFiles([gpu, isolated], 'npy'));
    fc.assert(
      fc.property(damaged(zip), (hostile) => {
        toleratesHostile(() => readTraces(hostile, 'x'));
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('survives damage to the files of a tree', () => {
    const files = tracesToFiles([gpu, isolated], 'aprt');
    const paths = [...files.keys()];
    const change = fc
      .constantFrom(...paths)
      .chain((path) => fc.tuple(fc.constant(path), damaged(files.get(path) ?? new Uint8Array())));
    fc.assert(
      fc.property(change, ([path, bytes]) => {
        toleratesHostile(() => filesToTraces(new Map([...files, [path, bytes]]), 'x'));
      }),
      { seed: 12, numRuns: 500 },
    );
  });

  it('counts payload bytes', () => {
    expect(traceBytes(gpu)).toBe(4 * (3 + 4 + 4 + 4));
  });
});

describe('foreign dumps', () => {
  /** As `apr trace --save-tensor DIR` writes: no engine folder, no trace.json. */
  const dump = new Map([
    ['layer-0/embedding.bin', encodeAprt(0, Float32Array.of(1, 2, 3, 4, 5, 6))],
    ['layer-1/moe_router_indices.bin', encodeAprt(1, Float32Array.of(4, 2))],
    ['layer-1/attn_softmax.bin', encodeAprt(1, Float32Array.of(1, 2, 3, 4))],
    ['layer-1/ffn_gate.bin', encodeAprt(1, Float32Array.of(1, 2, 3))],
    ['lm_head.bin', encodeAprt(undefined, Float32Array.of(1, 2, 3))],
  ]);
  const mine = createTrace(GPU, [
    captureOf('embedding', undefined, [3, 2], [0, 0, 0, 0, 0, 0]),
    captureOf('moe_router_indices', 1, [3, 2], [0, 1, 0, 1, 0, 1], { positions: [0, 1, 2] }),
    captureOf('attn_softmax', 1, [1, 4, 3], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], { positions: [2] }),
    captureOf('lm_head', undefined, [1, 3], [0, 0, 0], { positions: [2] }),
  ]);

  it('are read without shapes, as one row', () => {
    const trace = filesToTraces(dump, 'x').traces[0];
    expect(trace?.provenance).toEqual({ arm: 'trace', mode: 'free' });
    expect(trace?.unplaced.size).toBe(5);
    const indices = trace && findCapture(trace, 1, 'moe_router_indices');
    expect(indices?.shape).toEqual([1, 2]);
    expect(indices?.data).toEqual(Uint32Array.of(4, 2));
    expect(trace && findCapture(trace, 1, 'attn_softmax')?.shape).toEqual([1, 1, 4]);
  });

  it('take shapes and positions from the trace beside them', () => {
    const [trace] = filesToTraces(dump, 'x').traces;
    const placed = adoptLayout(trace ?? mine, mine);
    expect(findCapture(placed, undefined, 'embedding')?.shape).toEqual([3, 2]);
    expect(findCapture(placed, undefined, 'embedding')?.positions).toEqual([0, 1, 2]);
    expect(findCapture(placed, 1, 'moe_router_indices')?.shape).toEqual([1, 2]);
    expect(findCapture(placed, 1, 'moe_router_indices')?.positions).toEqual([2]);
    expect(findCapture(placed, undefined, 'lm_head')?.positions).toEqual([2]);
    expect([...placed.unplaced].sort()).toEqual([locationKey(1, 'attn_softmax'), locationKey(1, 'ffn_gate')]);
  });

  it('leaves a trace alone that knows its shapes', () => {
    expect(adoptLayout(mine, mine)).toBe(mine);
  });

  it('arrays without trace.json sit at positions from 0', () => {
    const files = new Map([...tracesToFiles([mine], 'npy')].filter(([path]) => path !== 'trace.json'));
    const [trace] = filesToTraces(files, 'x').traces;
    expect(trace?.unplaced.size).toBe(0);
    expect(trace && findCapture(trace, undefined, 'lm_head')?.positions).toEqual([0]);
  });
});

describe('files that NumPy wrote', () => {
  const path = fileURLToPath(new URL('../golden/tiny-moe-6x16/p0.npz', import.meta.url));

  it('are read bit for bit', () => {
    const arrays = decodeNpz(readFileSync(path), 'p0.npz');
    const golden = loadGolden('tiny-moe-6x16', 'p0');
    expect(arrays.size).toBe(golden.arrays.size);
    for (const [name, { shape, data }] of golden.arrays) {
      const read = arrays.get(name);
      expect(read?.shape).toEqual(shape);
      expect(read?.data instanceof Float32Array || read?.data instanceof Int32Array).toBe(true);
      if (read?.data instanceof Float32Array && data instanceof Float32Array) {
        expect(bitsOf(read.data).every((b, i) => b === new Uint32Array(data.buffer)[i])).toBe(true);
      }
    }
  });

  it('write again to an archive of the same arrays', () => {
    const files = readZip(readFileSync(path), 'p0.npz');
    expect([...readZip(writeZip(files), 'copy')]).toEqual([...files]);
  });
});
