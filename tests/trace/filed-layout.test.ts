import { describe, expect, it } from 'vitest';
import { inferLayout } from '../../src/trace/infer-layout';
import { adoptLayout } from '../../src/trace/adopt-layout';
import { decodeAprt, encodeAprt } from '../../src/trace/aprt';
import { openNpy } from '../../src/trace/npy';
import { npyFloats } from '../../src/trace/npy-values';
import { filesToTraces, tracesToFiles } from '../../src/trace/trace-files';
import { createTrace, type Trace } from '../../src/trace/trace';
import { plain } from './arbitrary';
import { fittedAxes } from '../../src/trace/stage-layout';
import { findCapture, captureOf } from '../support/captures';

const bound = Float32Array.of(0.1, 0.2, 0.3, 0.4);
/** Two tokens; q of two channels, k and v of one. */
const PROJECTED = [
  { ...captureOf('q_proj', 3, [2, 2], [1, 2, 5, 6]), bound },
  { ...captureOf('k_proj', 3, [2, 1], [3, 7]), bound: bound.slice(0, 2) },
  { ...captureOf('v_proj', 3, [2, 1], [4, 8]), bound: bound.slice(2) },
];
const gpu = (...captures: Parameters<typeof createTrace>[1] extends Iterable<infer T> ? T[] : never): Trace =>
  createTrace({ arm: 'gpu', mode: 'free' }, captures);

describe('projections in a tree', () => {
  it('lie side by side in one qkv_matmul, and come back as three', () => {
    const trace = gpu(...PROJECTED);
    const files = tracesToFiles([trace], 'aprt');
    expect([...files.keys()]).toEqual(['gpu/layer-3/qkv_matmul.bin', 'trace.json']);
    const bytes = files.get('gpu/layer-3/qkv_matmul.bin') ?? new Uint8Array(0);
    expect([...decodeAprt(bytes, 'x').data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const [read] = filesToTraces(files, 'x').traces;
    expect(read && plain(read, { bounds: false })).toEqual(plain(trace, { bounds: false }));
  });

  it('keep their bounds where the format has room for them', () => {
    const trace = gpu(...PROJECTED);
    const files = tracesToFiles([trace], 'npy');
    const limits = openNpy(files.get('gpu/layer-3/qkv_matmul.bound.npy') ?? new Uint8Array(0), 'x');
    expect([...npyFloats(limits, 'x')].map((x) => Number(x.toFixed(1)))).toEqual([
      0.1, 0.2, 0.1, 0.3, 0.3, 0.4, 0.2, 0.4,
    ]);
    const [read] = filesToTraces(files, 'x').traces;
    expect(read && plain(read)).toEqual(plain(trace));
  });

  it('stay apart where one is missing, or has other positions', () => {
    const [q, k, v] = PROJECTED;
    if (q === undefined || k === undefined || v === undefined) throw new Error('no captures');
    const lone = [...tracesToFiles([gpu(q, v)], 'aprt').keys()];
    expect(lone).toEqual(['gpu/layer-3/q_proj.bin', 'gpu/layer-3/v_proj.bin', 'trace.json']);
    const shifted = gpu(q, k, { ...v, positions: [1, 2] });
    const [read] = filesToTraces(tracesToFiles([shifted], 'aprt'), 'x').traces;
    expect(read && plain(read, { bounds: false })).toEqual(plain(shifted, { bounds: false }));
  });
});

describe("attention's heads", () => {
  it('come first in files', () => {
    const trace = gpu(captureOf('attn_scores', 0, [2, 3, 2], [0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121]));
    const files = tracesToFiles([trace], 'aprt');
    const bytes = files.get('gpu/layer-0/attn_scores.bin') ?? new Uint8Array(0);
    expect([...decodeAprt(bytes, 'x').data]).toEqual([0, 1, 100, 101, 10, 11, 110, 111, 20, 21, 120, 121]);
    const [read] = filesToTraces(files, 'x').traces;
    expect(read && plain(read)).toEqual(plain(trace));
  });
});

describe('a dump of another tool, which states only counts', () => {
  const dump = new Map([
    ['layer-0/qkv_matmul.bin', encodeAprt(0, Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8))],
    // Two heads, two tokens, two keys.
    ['layer-0/attn_scores.bin', encodeAprt(0, Float32Array.of(0, 1, 10, 11, 100, 101, 110, 111))],
  ]);
  const scores = [0, 1, 100, 101, 10, 11, 110, 111];

  it('is laid out as the trace beside it', () => {
    const mine = gpu(
      ...PROJECTED.map((captured) => ({ ...captured, layer: 0 })),
      captureOf('attn_scores', 0, [2, 2, 2], scores),
    );
    const [trace] = filesToTraces(dump, 'x').traces;
    const placed = adoptLayout(trace ?? mine, mine);
    expect(placed.unplaced.size).toBe(0);
    for (const id of ['q_proj', 'k_proj', 'v_proj', 'attn_scores'] as const) {
      expect(findCapture(placed, 0, id)?.data, id).toEqual(findCapture(mine, 0, id)?.data);
    }
  });

  it('is laid out by the experts that it chose', () => {
    const [trace] = filesToTraces(
      new Map([
        ...dump,
        ['layer-0/moe_router_indices.bin', encodeAprt(0, Float32Array.of(0, 1, 1, 0))],
        ['layer-0/attention.bin', encodeAprt(0, Float32Array.of(0, 0, 0, 0))],
      ]),
      'x',
    ).traces;
    const placed = trace && inferLayout(trace);
    expect(placed?.unplaced.size).toBe(0);
    expect(placed && findCapture(placed, 0, 'attn_scores')?.data).toEqual(Float32Array.from(scores));
    expect(placed && findCapture(placed, 0, 'k_proj')).toMatchObject({ shape: [2, 1], data: Float32Array.of(3, 7) });
  });

  it('keeps a qkv_matmul whose parts nobody knows', () => {
    const [trace] = filesToTraces(dump, 'x').traces;
    expect(trace && findCapture(trace, 0, 'qkv_matmul')?.data.length).toBe(8);
  });
});

describe('a dump whose rows are cut otherwise', () => {
  const mine = gpu(captureOf('q_norm', 0, [2, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));

  it('has the heads of the trace beside it', () => {
    const side = adoptLayout(gpu(captureOf('q_norm', 0, [1, 1, 6], [7, 8, 9, 10, 11, 12])), mine);
    expect(findCapture(side, 0, 'q_norm')?.shape).toEqual([1, 2, 3]);
  });

  it('stays as it is where its rows are longer', () => {
    const other = gpu(captureOf('q_norm', 0, [1, 1, 4], [1, 2, 3, 4]));
    expect(adoptLayout(other, mine)).toEqual(other);
  });

  it.each([
    ['q_proj', [3, 2, 4], undefined, [3, 8]],
    ['q_proj', [1, 3, 8], undefined, [3, 8]],
    ['q_proj', [1, 3, 8], 1, [1, 24]],
    ['q_norm', [3, 8], undefined, [3, 1, 8]],
    ['delta_state', [4, 2, 2], 7, [1, 4, 2, 2]],
    ['attn_scores', [2, 3], undefined, [2, 3]],
    ['attn_scores', [2, 3, 3, 5], undefined, [2, 3, 3, 5]],
  ])('%s of axes %j, %s tokens, has axes %j', (stage, shape, nTokens, fitted) => {
    expect(fittedAxes(stage, shape, nTokens)).toEqual(fitted);
  });
});
