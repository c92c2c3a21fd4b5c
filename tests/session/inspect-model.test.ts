import { describe, expect, it } from 'vitest';
import type { ErrorData } from '../../src/base/errors';
import { toErrorData } from '../../src/base/errors';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { ggufBytes, type TypedValue } from '../../src/gguf/writer';
import { inspectModel, type Inspection } from '../../src/session/inspect-model';
import { rawGguf, tensor } from '../support/gguf-header';
import { bentFile, floats, type Bend } from '../support/bent-models';

async function inspected(bytes: Uint8Array<ArrayBuffer>): Promise<Inspection> {
  const problems: ErrorData[] = [];
  const model = await openModel([memorySource(bytes, 'x.gguf')], undefined, (error) =>
    problems.push(toErrorData(error)),
  );
  return inspectModel(model, problems);
}

const bent = (bend: Bend): Promise<Inspection> => inspected(ggufBytes(bentFile(bend)));
const text = (value: string): TypedValue => ({ type: 'string', value });

describe('a file is shown whole, and told is what stands in the way', () => {
  it('of one that runs: nothing', async () => {
    const found = await bent({ more: [floats('v.patch', [4], () => 1)] });
    expect(found.obstacles).toEqual([]);
    expect(found.hparams?.nExpert).toBe(4);
    expect(found.notes).toEqual(['1 tensor that nobody reads: v.patch.']);
    expect(found.metadata).toMatchObject({ 'general.architecture': 'qwen3moe', 'qwen3moe.block_count': 2 });
    expect(found.weights.find(({ name }) => name === 'blk.*.attn_q.weight')).toMatchObject({
      count: 2,
      dims: [64, 64],
    });
  });

  it.each<[string, Bend, string]>([
    ['another architecture', { keys: { 'general.architecture': text('grok') } }, 'architecture grok'],
    ['an adapter', { keys: { 'general.type': text('adapter') } }, 'is an adapter (LoRA)'],
    ['an importance matrix', { keys: { 'general.type': text('imatrix') } }, 'is an importance matrix'],
    ['a projector', { keys: { 'general.architecture': text('clip') } }, 'is a projector'],
    ['no number of layers', { keys: { block_count: undefined } }, 'qwen3moe.block_count is missing'],
    [
      'a tensor missing',
      { tensors: (t) => (t.name === 'blk.1.attn_k.weight' ? [] : [t]) },
      'blk.1.attn_k.weight is missing',
    ],
    ['shared experts', { more: [floats('blk.0.ffn_up_shexp.weight', [64, 32], () => 1)] }, 'shared experts'],
  ])('of %s', async (_, bend, message) => {
    const found = await bent(bend);
    expect(found.obstacles.map((error) => error.message)).toEqual([expect.stringContaining(message)]);
    expect(found.weights.length).toBeGreaterThan(10);
  });

  it('of a file that ends early', async () => {
    const found = await inspected(ggufBytes(bentFile({})).slice(0, -4096));
    expect(found.obstacles).toMatchObject([{ code: 'gguf-truncated' }]);
    expect(found.hparams?.nLayer).toBe(2);
  });

  it.each([
    [153, 'IQ2_KT', 'a type of ik_llama.cpp'],
    [4, 'Q4_2', 'a type that llama.cpp has removed'],
  ])('of a type of another project: %i', async (number, name, whose) => {
    const whole = bentFile({});
    const bytes = rawGguf({
      tensors: [tensor('a', [256, 4], number, 0), tensor('b', [8], 'F32', 512)],
      dataBytes: 544,
    });
    const found = await inspected(bytes);
    // The room up to what follows.
    expect(found.tensors.byType).toEqual({ [name]: { count: 1, bytes: 512 }, F32: { count: 1, bytes: 32 } });
    const inTheWay = await inspected(retyped(ggufBytes(whole), 'blk.1.attn_q.weight', number));
    expect(inTheWay.obstacles.map((error) => error.message)).toEqual([
      `Tensor blk.1.attn_q.weight has type ${name} (number ${number}), ${whose}.`,
    ]);
  });
});

/** The same file with another number for a tensor's type. */
function retyped(bytes: Uint8Array<ArrayBuffer>, name: string, type: number): Uint8Array<ArrayBuffer> {
  const changed = Buffer.from(bytes);
  const at = changed.lastIndexOf(name) + name.length;
  changed.writeUInt32LE(type, at + 4 + 8 * changed.readUInt32LE(at));
  return new Uint8Array(changed);
}
