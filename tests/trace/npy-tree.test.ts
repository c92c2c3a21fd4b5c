import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { readNamedArrays } from '../../src/trace/named-arrays';
import { encodeNpy, openNpy, type NpyArray } from '../../src/trace/npy';
import { isNpyTree } from '../../src/trace/npy-tree';
import { readFileTree, readTraces } from '../../src/trace/read-traces';
import { isByKey } from '../../src/arch/walk';
import { FAMILIES, familyPrompts, openFamily } from '../families/goldens';
import { exactStages } from '../support/exact-stages';
import { goldenModelPath, loadGolden } from '../support/golden';
import { formatErrorOf } from './arbitrary';
import { findCapture } from '../support/captures';

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
    expect(trace.captures.size).toBe(golden.held.length);
    expect(golden.held.length).toBeGreaterThan(15);
    for (const { stage, layer } of golden.held) {
      const expected = golden.stage(stage, layer);
      const captured = findCapture(trace, layer, stage);
      expect(captured?.shape, stage).toEqual(expected?.shape);
      expect(captured?.positions, stage).toEqual(golden.positions);
      expect([...(captured?.data ?? [])], stage).toEqual([...(expected?.data ?? [])]);
    }
  });

  it.each(FAMILIES.flatMap((name) => familyPrompts(name).map((prompt) => [name, prompt] as const)))(
    'a name that means two stages is that of its kind of layer: %s %s',
    async (name, prompt) => {
      const { model, graph } = await openFamily(name);
      await model.close();
      const golden = loadGolden(`families/${name}`, prompt);
      const bytes = readFileSync(goldenModelPath(`families/${name}`).replace('model.gguf', `${prompt}.npz`));
      const [trace] = readTraces(bytes, `${prompt}.npz`).traces;
      if (trace === undefined) throw new Error('no trace');
      for (const { node, layer, expected } of exactStages(golden, graph)) {
        // The state behind the last token alone has no axis of tokens.
        if (node.out.recurrent === true) continue;
        const place = `${node.out.id} of layer ${String(layer)}`;
        const captured = findCapture(trace, layer, node.out.id);
        expect(captured?.positions, place).toEqual(golden.positions);
        // Scores are stored before they are scaled.
        if (!isByKey(node.out)) expect([...(captured?.data ?? [])], place).toEqual([...expected.data]);
      }
    },
  );

  it('keeps the bits of the file, NaN payloads included', () => {
    const data = new Float32Array(Uint32Array.of(0x7fc12345, 0xff800001, 0x80000000).buffer);
    const bytes = encodeNpy({ type: 'f4', shape: [1, 3], data });
    const [trace] = readFileTree(files(['dump/l_out-4.npy', bytes]), 'x').traces;
    const captured = trace === undefined ? undefined : findCapture(trace, 4, 'post_ffn_residual');
    expect([...new Uint32Array(captured?.data.buffer ?? new ArrayBuffer(0))]).toEqual([
      0x7fc12345, 0xff800001, 0x80000000,
    ]);
  });

  it('reads latent attention with its heads first, by every reader of names', () => {
    // Two heads of three channels, four tokens.
    const data = Float32Array.from({ length: 24 }, (_, i) => i);
    const bytes = encodeNpy({ type: 'f4', shape: [2, 4, 3], data });
    const fromTree = readFileTree(files(['dump/kqv-1.npy', bytes]), 'x').traces[0];
    const arrays = [{ name: 'kqv-1', path: 'kqv-1', open: () => openNpy(bytes, 'kqv-1') }];
    const fromNames = readNamedArrays(arrays, { place: 'x', tokens: [5, 6, 7, 8] }).traces[0];
    for (const trace of [fromTree, fromNames]) {
      const captured = trace === undefined ? undefined : findCapture(trace, 1, 'kqv');
      expect(captured).toMatchObject({ shape: [4, 6], positions: [0, 1, 2, 3] });
      expect([...(captured?.data ?? [])].slice(0, 12)).toEqual([0, 1, 2, 12, 13, 14, 3, 4, 5, 15, 16, 17]);
    }
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
    const found = (['q_proj', 'k_proj', 'v_proj'] as const).map((id) => trace && findCapture(trace, 0, id));
    expect(found.map((captured) => captured?.shape)).toEqual([
      [2, 2],
      [2, 1],
      [2, 1],
    ]);
    expect(found.map((captured) => [...(captured?.data ?? [])])).toEqual([
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
    expect(trace?.captures.get('layer-1/moe_ffn_out')).toMatchObject({ shape: [2, 2], positions: [1, 2] });
    expect(trace?.captures.get('lm_head')).toMatchObject({ shape: [1, 3], positions: [2] });
  });

  it("takes the graph's parameters from index.json, as f32, and leaves out names that it does not know", () => {
    const parameters = [
      { name: 'eps', value: 1e-6, node: 'norm-0' },
      { name: 'colour', value: 1, node: 'x' },
    ];
    const read = (index: unknown) =>
      readFileTree(files(['attn_norm-0.npy', f4([1, 1], 0)], ['index.json', json(index)]), 'dump').traces[0]
        ?.provenance;
    expect(read({ parameters })?.parameters).toEqual([{ name: 'eps', value: Math.fround(1e-6), node: 'norm-0' }]);
    expect(formatErrorOf(() => read({ parameters: [{ name: 'eps', value: 'small', node: 'x' }] })).message).toContain(
      'a number',
    );
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
