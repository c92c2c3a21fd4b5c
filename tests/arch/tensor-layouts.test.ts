import { describe, expect, it } from 'vitest';
import { createCpuEngine } from '../../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../../src/cpu/pool/inline-pool';
import { dequantizeRows } from '../../src/gguf/dequant/dequantisers';
import type { ModelFile } from '../../src/gguf/model-file';
import type { TensorToWrite } from '../../src/gguf/writer';
import { createGpuEngine } from '../../src/gpu/engine/gpu-engine';
import type { Capture } from '../../src/model/engine';
import { readHParams } from '../../src/model/read-hparams';
import { checkWeights } from '../../src/model/bound-weights';
import { captureAll, forward } from '../cpu/support';
import { bytesOf, floats, openBent, type Bend } from '../support/bent-models';
import { testContext } from '../support/gpu';

/*
 * One model in the layouts that files have: what it computes may not change by a bit, on either engine. And what stands beside a weight does
 * change it, by just as much as it says.
 */

const TOKENS = Uint32Array.of(5, 200, 17);
const PLAIN: Bend = { recipe: { type: 'F32' } };

async function exactCaptures(model: ModelFile): Promise<readonly Capture[]> {
  const hparams = readHParams(model);
  expect(checkWeights(model, hparams)).toEqual([]);
  const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  return (await forward(engine, hparams, TOKENS, { capture: captureAll([0, 1, 2]), bounds: true, exact: true }))
    .captures;
}

async function gpuCaptures(model: ModelFile, preload: boolean): Promise<readonly Capture[]> {
  const hparams = readHParams(model);
  const engine = createGpuEngine({ context: await testContext(), model, hparams });
  if (preload) expect(await engine.preload()).toBe(true);
  const { captures } = await forward(engine, hparams, TOKENS, { capture: captureAll([0, 1, 2]) });
  await engine.dispose();
  // Which kernel made a value may differ; the bits may not.
  return captures.map((captured) => ({ ...captured, kernel: '' }));
}

/** Matrices of some roles one after the other in one tensor, of each expert. */
function fused(roles: readonly string[], whole: string): Bend {
  const parts = new Map<string, TensorToWrite[]>();
  return {
    ...PLAIN,
    tensors: (tensor) => {
      const [, block = '', role = ''] = /^(blk\.\d+\.)(.*)\.weight$/.exec(tensor.name) ?? [];
      if (!roles.includes(role)) return [tensor];
      const found = parts.get(block) ?? [];
      parts.set(block, found);
      found.push(tensor);
      if (found.length < roles.length) return [];
      const ordered = roles.map((r) => found.find(({ name }) => name === `${block}${r}.weight`)!);
      const [nIn = 0, , nExpert = 1] = tensor.dims;
      const bytes = ordered.map(bytesOf);
      const pieces = Array.from({ length: nExpert }, (_, e) =>
        bytes.map((all) => all.subarray((e * all.length) / nExpert, ((e + 1) * all.length) / nExpert)),
      ).flat();
      const rows = ordered.reduce((sum, { dims }) => sum + (dims[1] ?? 0), 0);
      const dims = tensor.dims.length === 3 ? [nIn, rows, nExpert] : [nIn, rows];
      return [{ name: `${block}${whole}.weight`, dims, type: tensor.type, chunks: () => pieces }];
    },
  };
}

const perExpert: Bend = {
  ...PLAIN,
  tensors: (tensor) => {
    const [nIn = 0, nOut = 0, nExpert] = tensor.dims;
    if (nExpert === undefined) return [tensor];
    const size = bytesOf(tensor).length / nExpert;
    return Array.from({ length: nExpert }, (_, e) => ({
      ...tensor,
      name: tensor.name.replace('_exps.weight', `.${e}.weight`),
      dims: [nIn, nOut],
      chunks: () => [bytesOf(tensor).subarray(e * size, (e + 1) * size)],
    }));
  },
};

const fourAxes: Bend = {
  ...PLAIN,
  tensors: (tensor) => [{ ...tensor, dims: [...tensor.dims, 1, 1, 1].slice(0, 4) }],
};

describe.each<[string, Bend]>([
  ['attn_qkv', fused(['attn_q', 'attn_k', 'attn_v'], 'attn_qkv')],
  ['ffn_gate_up_exps', fused(['ffn_gate_exps', 'ffn_up_exps'], 'ffn_gate_up_exps')],
  ['a tensor an expert', perExpert],
  ['axes of 1', fourAxes],
])('%s', (_, bend) => {
  it('computes the bits of the plain file, on both engines', async () => {
    const [plain, other] = [await openBent(PLAIN), await openBent(bend)];
    const [a, b] = [await exactCaptures(plain), await exactCaptures(other)];
    expect(b).toEqual(a);
    const streamed = await gpuCaptures(other, false);
    expect(streamed).toEqual(await gpuCaptures(plain, false));
    expect(await gpuCaptures(other, true)).toEqual(streamed);
  });
});

/** Each expert in a tensor of its own, the first of them quantised or dequantised as asked and the others as floats of the same values. */
function mixedExperts(first: 'Q8_0' | 'F32'): Bend {
  return {
    recipe: { type: 'Q8_0' },
    tensors: (tensor) => {
      const [nIn = 0, nOut = 0, nExpert] = tensor.dims;
      if (nExpert === undefined) return [tensor];
      const all = bytesOf(tensor);
      const size = all.length / nExpert;
      return Array.from({ length: nExpert }, (_, e) => {
        const one = { ...tensor, name: tensor.name.replace('_exps.weight', `.${e}.weight`), dims: [nIn, nOut] };
        const bytes = all.subarray(e * size, (e + 1) * size);
        if (e === 0 && first === 'Q8_0') return { ...one, chunks: () => [bytes] };
        const values = new Float32Array(nIn * nOut);
        dequantizeRows('Q8_0', bytes, 0, values, 0, values.length);
        return { ...one, type: 'F32' as const, chunks: () => [new Uint8Array(values.buffer)] };
      });
    },
  };
}

it('experts of different types are those of their dequantised values, on both engines', async () => {
  const [floatOnes, mixed] = [await openBent(mixedExperts('F32')), await openBent(mixedExperts('Q8_0'))];
  expect(await exactCaptures(mixed)).toEqual(await exactCaptures(floatOnes));
  expect(await gpuCaptures(mixed, false)).toEqual(await gpuCaptures(floatOnes, false));
});

/** Values of a stage of the first layer. */
function firstLayer(captures: readonly Capture[], stage: string): Capture {
  const found = captures.find((captured) => captured.stage === stage && captured.layer === 0);
  if (found === undefined) throw new Error(`no ${stage}`);
  return found;
}

describe('beside a weight', () => {
  const bias = (i: number): number => Math.sin(i + 1);
  const scale = (e: number): number => 2 ** (e - 1);
  const more = [
    floats('blk.0.attn_q.bias', [64], bias),
    floats('blk.0.attn_k.scale', [1], () => 0.5),
    floats('blk.0.attn_output.bias', [64], bias),
    floats('blk.0.attn_output.scale', [1], () => -3),
    floats('blk.0.ffn_up_exps.scale', [4], scale),
    floats('output.scale', [1], () => 0.25),
  ];

  it('biases are added and scales multiply, each expert by its own', async () => {
    const [a, b] = [
      await exactCaptures(await openBent(PLAIN)),
      await exactCaptures(await openBent({ ...PLAIN, more })),
    ];
    const before = firstLayer(a, 'q_proj').exact ?? [];
    expect([...(firstLayer(b, 'q_proj').exact ?? [])]).toEqual(
      [...before].map((x, i) => x + Math.fround(bias(i % 64))),
    );
    expect([...firstLayer(b, 'k_proj').data]).toEqual([...firstLayer(a, 'k_proj').data].map((x) => x / 2));
    // Other queries and keys, so that other values come in: against the products of their own inputs.
    const own = await exactCaptures(
      await openBent({ ...PLAIN, more: more.filter(({ name }) => !/_output|_exps|^output/.test(name)) }),
    );
    const out = firstLayer(own, 'attn_out').exact ?? [];
    expect([...(firstLayer(b, 'attn_out').exact ?? [])]).toEqual(
      [...out].map((x, i) => x * -3 + Math.fround(bias(i % 64))),
    );
    const unscaled = await exactCaptures(
      await openBent({ ...PLAIN, more: more.filter(({ name }) => !/_exps/.test(name)) }),
    );
    const experts = firstLayer(b, 'moe_router_indices').data;
    expect(experts).toEqual(firstLayer(unscaled, 'moe_router_indices').data);
    const up = firstLayer(unscaled, 'moe_expert_up').data;
    expect([...firstLayer(b, 'moe_expert_up').data]).toEqual(
      [...up].map((x, i) => x * scale(experts[Math.floor(i / 32)]!)),
    );
  });

  it('the GPU is within the bounds of both, streamed and resident alike', async () => {
    const model = await openBent({ ...PLAIN, more });
    const hparams = readHParams(model);
    const exact = await exactCaptures(model);
    const streamed = await gpuCaptures(model, false);
    expect(await gpuCaptures(model, true)).toEqual(streamed);
    const engine = createGpuEngine({ context: await testContext(), model, hparams });
    const own = exact.filter(({ layer }) => layer === 0);
    const reference = {
      captures: new Map(own.map((captured) => [captured.stage, captured])),
      layerInput: exact.find(({ stage }) => stage === 'embedding'),
    };
    const { captures } = await engine.isolate(0, reference, { capture: captureAll([0, 1, 2]) });
    for (const stage of ['q_proj', 'k_proj', 'attn_out', 'moe_expert_up'] as const) {
      const [got, want] = [captures.get(stage), firstLayer(exact, stage)];
      want.exact?.forEach((x, i) => {
        expect(Math.abs((got?.data[i] ?? NaN) - x), `${stage} ${i}`).toBeLessThanOrEqual(want.bound?.[i] ?? NaN);
      });
    }
    await engine.dispose();
  });
});
