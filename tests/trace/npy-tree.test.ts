import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { encodeNpy, type NpyArray } from '../../src/trace/npy';
import { isNpyTree } from '../../src/trace/npy-tree';
import { readFileTree, readTraces } from '../../src/trace/read-traces';
import { findTap } from '../../src/trace/trace';
import { goldenModelPath, loadGolden } from '../support/golden';
import { formatErrorOf } from './arbitrary';

const f4 = (shape: readonly number[], ...values: readonly number[]): Uint8Array =>
  encodeNpy({ type: 'f4', shape, data: Float32Array.from(values) });
const files = (...entries: readonly (readonly [string, Uint8Array])[]): ReadonlyMap<string, Uint8Array> =>
  new Map(entries);
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('a dump by ggml names', () => {
  it.each([
    ['mini-q4_k_m', 'p12'],
    ['mini-q4_k_m', 'llamacpp-p12'],
    ['deep-q8_0', 'p12'],
    ['mini-f32', 'p300-last8'],
  ])('%s %s: every stage that the golden holds, with its positions, as the test support reads it', (model, prompt) => {
    const golden = loadGolden(model, prompt);
    const bytes = readFileSync(goldenModelPath(model).replace('model.gguf', `${prompt}.npz`));
    const { traces } = readTraces(bytes, `${prompt}.npz`);
    expect(traces).toHaveLength(1);
    const trace = traces[0];
    if (trace === undefined) throw new Error('no trace');
    expect(trace.provenance.tokens).toEqual([...golden.tokens]);
    expect(trace.taps.size).toBe(golden.held.length);
    expect(golden.held.length).toBeGreaterThan(15);
    for (const { stage, layer } of golden.held) {
      const expected = golden.stage(stage, layer);
      const tap = findTap(trace, layer, stage);
      expect(tap?.shape, stage).toEqual(expected?.shape);
      expect(tap?.positions, stage).toEqual(golden.positions);
      expect([...(tap?.data ?? [])], stage).toEqual([...(expected?.data ?? [])]);
    }
  });

  it('keeps the bits of the file, NaN payloads included', () => {
    const data = new Float32Array(Uint32Array.of(0x7fc12345, 0xff800001, 0x80000000).buffer);
    const bytes = encodeNpy({ type: 'f4', shape: [1, 3], data });
    const [trace] = readFileTree(files(['dump/l_out-4.npy', bytes]), 'x').traces;
    const tap = trace === undefined ? undefined : findTap(trace, 4, 'post_ffn_residual');
    expect([...new Uint32Array(tap?.data.buffer ?? new ArrayBuffer(0))]).toEqual([0x7fc12345, 0xff800001, 0x80000000]);
  });

  it('reads q, k and v as rows of channels, whatever their axes', () => {
    const [trace] = readFileTree(
      files(
        ['Qcur_proj-0.npy', f4([2, 2, 1], 1, 2, 11, 12)],
        ['Kcur_proj-0.npy', f4([1, 2, 1, 1], 3, 13)],
        ['Vcur-0.npy', f4([2, 1], 4, 14)],
      ),
      'x',
    ).traces;
    const found = (['q_proj', 'k_proj', 'v_proj'] as const).map((id) => trace && findTap(trace, 0, id));
    expect(found.map((tap) => tap?.shape)).toEqual([
      [2, 2],
      [2, 1],
      [2, 1],
    ]);
    expect(found.map((tap) => [...(tap?.data ?? [])])).toEqual([
      [1, 2, 11, 12],
      [3, 13],
      [4, 14],
    ]);
    expect(found[0]?.positions).toEqual([0, 1]);
  });

  it('drops padding axes, takes the prompt from index.json, and lists what it does not know', () => {
    const read = readFileTree(
      files(
        ['ffn_moe_out-1.npy', f4([1, 1, 2, 2], 1, 2, 3, 4)],
        ['result_output.npy', f4([1, 3], 7, 8, 9)],
        ['ffn_moe_weighted-1.npy', f4([1], 0)],
        ['result_output-1.npy', f4([1], 0)],
        ['index.json', json({ tokens: [5, 6, 7] })],
      ),
      'dumps/llama.cpp/',
    );
    expect(read.ignored).toEqual(['ffn_moe_weighted-1.npy', 'result_output-1.npy']);
    const [trace] = read.traces;
    expect(trace?.provenance).toEqual({ arm: 'llama.cpp', mode: 'free', tokens: [5, 6, 7] });
    expect(trace?.taps.get('layer-1/moe_ffn_out')).toMatchObject({ shape: [2, 2], positions: [1, 2] });
    expect(trace?.taps.get('lm_head')).toMatchObject({ shape: [1, 3], positions: [2] });
  });

  it('is told from a tree of ours', () => {
    expect(isNpyTree(files(['gpu/layer-0/attn_norm.npy', f4([1], 0)]))).toBe(false);
    expect(isNpyTree(files(['attn_norm-0.npy', f4([1], 0)]))).toBe(true);
    expect(isNpyTree(files(['gpu/final_norm.npy', f4([1], 0)]))).toBe(false);
  });

  const ids: NpyArray = { type: 'i4', shape: [1, 2], data: Int32Array.of(1, -1) };
  it.each([
    ['a rank that is not the stage', ['attn_norm-0.npy', f4([4], 1, 2, 3, 4)], /axes/],
    ['a negative expert', ['ffn_moe_topk-0.npy', encodeNpy(ids)], /an expert id/],
  ] as const)('refuses %s, naming the file', (_, entry, message) => {
    expect(formatErrorOf(() => readFileTree(files(entry), 'dump')).message).toMatch(message);
  });
});
