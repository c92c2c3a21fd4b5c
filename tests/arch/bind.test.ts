import { describe, expect, test } from 'vitest';
import { architectureOf } from '../../src/arch/architectures';
import { bindGraph, bindWeight, tensorRow } from '../../src/arch/bind';
import { nodeOf, type WeightSlot } from '../../src/arch/graph';
import { memoryModel } from './support';

describe('a graph is bound to a file', () => {
  test('every weight of every layer is found once, by name', async () => {
    const model = await memoryModel();
    const arch = architectureOf(model);
    const graph = arch.graph(arch.readSizes(model));
    const bound = bindGraph(graph, model, arch.title);
    const layer = graph.layers[1];
    expect(layer).toBeDefined();
    if (layer === undefined) return;
    const gate = nodeOf(layer, 'moe_expert_gate').weights[0];
    expect(gate && bound.weight(gate)).toMatchObject({
      tensor: { name: 'blk.1.ffn_gate_exps.weight', dims: [64, 32, 4] },
      nIn: 64,
      nOut: 32,
      nExpert: 4,
      firstRow: 0,
      expertStride: 32,
    });
    expect(gate && tensorRow(bound.weight(gate), 3, 5)).toBe(3 * 32 + 5);
    // The same object every time: resolved once.
    expect(gate && bound.weight(gate)).toBe(gate && bound.weight({ ...gate }));
  });

  test('a tied head is the token embedding', async () => {
    const model = await memoryModel({ tied: true });
    const arch = architectureOf(model);
    const graph = arch.graph(arch.readSizes(model));
    const head = nodeOf(graph.head, 'lm_head').weights[0];
    expect(head && bindGraph(graph, model, arch.title).weight(head).tensor.name).toBe('token_embd.weight');
  });

  test('rows of a fused tensor are found where they begin', async () => {
    const model = await memoryModel();
    // attn_output is {64, 64}: as if it held 48 rows of one slot and 16 of another.
    const sizes = { a: 64, b: 48, c: 16 };
    const slot = (part: number): WeightSlot => ({
      role: 'x',
      name: 'blk.0.x.weight',
      dims: ['a', part === 0 ? 'b' : 'c'],
      fusedWith: { name: 'blk.0.attn_output.weight', parts: ['b', 'c'], part },
    });
    expect(bindWeight(slot(0), sizes, model, 'Test')).toMatchObject({ nOut: 48, firstRow: 0, expertStride: 64 });
    const second = bindWeight(slot(1), sizes, model, 'Test');
    expect(second).toMatchObject({ nOut: 16, firstRow: 48, expertStride: 64 });
    expect(tensorRow(second, 0, 3)).toBe(51);
  });

  test.each([
    ['blk.1.attn_k.weight', 'gguf-missing-tensor'],
    ['output_norm.weight', 'gguf-missing-tensor'],
  ])('without %s it is refused', async (name, code) => {
    const whole = await memoryModel();
    const model = { ...whole, tensors: new Map([...whole.tensors].filter(([tensor]) => tensor !== name)) };
    const arch = architectureOf(model);
    const graph = arch.graph(arch.readSizes(model));
    expect(() => bindGraph(graph, model, arch.title)).toThrow(
      expect.objectContaining({ code, detail: { tensor: name } }),
    );
  });

  test('a tensor of another shape is refused, with both shapes', async () => {
    const model = await memoryModel();
    const arch = architectureOf(model);
    const graph = arch.graph({ ...arch.readSizes(model), nFfExp: 33 });
    expect(() => bindGraph(graph, model, arch.title)).toThrow(
      expect.objectContaining({
        code: 'gguf-tensor-shape',
        detail: { tensor: 'blk.0.ffn_gate_exps.weight', expected: '64 x 33 x 4', actual: '64 x 32 x 4' },
      }),
    );
  });
});
