import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { roundToBf16 } from '../../src/base/float';
import { memorySource } from '../../src/gguf/memory-source';
import { openModel } from '../../src/gguf/open-model';
import { readTraces } from '../../src/trace/read-traces';
import { runCliHere } from '../cli/cli-here';

vi.setConfig({ testTimeout: 120_000 });

/** What `verification/transformers/make_captures.py` made on a GPU. */
const FOLDER = 'tests/golden/transformers';
const MADE = JSON.parse(readFileSync(`${FOLDER}/made.json`, 'utf8')) as {
  readonly tokens: readonly number[];
  readonly models: Readonly<Record<string, { readonly gguf: string; readonly damaged: string }>>;
};

interface Judgement {
  readonly verdict: { readonly status: string; readonly first?: { readonly layer: number; readonly tensor: string } };
  readonly arithmetic: readonly { readonly stage: string; readonly arithmetic: string }[];
  readonly rows: readonly { readonly stage: string; readonly verdict: string }[];
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'moescope-transformers-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const fileOf = (arch: string): string => `tests/golden/${MADE.models[arch]?.gguf ?? ''}/model.gguf`;

/** The file with its weights rounded to bf16, as `model.to(torch.bfloat16)` has them; still stored as F32. */
async function roundedFile(
  arch: string,
  change: (weights: Float32Array, tensor: string) => void = () => undefined,
): Promise<string> {
  const bytes = Uint8Array.from(readFileSync(fileOf(arch)));
  const model = await openModel([memorySource(bytes, 'model.gguf')]);
  for (const { name, offset, elements } of model.tensors.values()) {
    const weights = new Float32Array(bytes.buffer, offset, elements);
    weights.set(weights.map(roundToBf16));
    change(weights, name);
  }
  const path = join(folder, `${arch}.gguf`);
  writeFileSync(path, bytes);
  return path;
}

async function judged(
  arch: string,
  kind: string,
  model = fileOf(arch),
): Promise<Judgement & { readonly exit: number | undefined }> {
  const dump = `${FOLDER}/${arch}-${kind}.safetensors`;
  const run = await runCliHere('judge', model, dump, '--json', '-', '--quiet');
  return { exit: run.status, ...(JSON.parse(run.out) as Judgement) };
}

describe.each(Object.entries(MADE.models))('%s, by the modules of Transformers on a GPU', (arch, { damaged }) => {
  it('is right in f32, and named so', async () => {
    const { exit, verdict, arithmetic, rows } = await judged(arch, 'f32');
    expect(verdict.status).toBe('match');
    expect(exit).toBe(0);
    expect([...new Set(arithmetic.map((named) => named.arithmetic))]).toEqual(['f32']);
    // Among them what stands between modules, and what the one module of all experts does within.
    const right = new Set(rows.flatMap((row) => (row.verdict === 'match' ? [row.stage] : [])));
    const between = ['post_attn_residual', 'post_ffn_residual', 'attn_out', 'lm_head'];
    const within = ['moe_router', 'moe_expert_gate', 'moe_expert_up', 'moe_expert_swigl', 'moe_expert_out'];
    expect([...right]).toEqual(expect.arrayContaining([...between, ...within, 'moe_ffn_out']));
    if (arch === 'qwen2moe') expect([...right]).toEqual(expect.arrayContaining(['ffn_gate', 'ffn_up', 'ffn_shexp']));
  });

  it('is right in bf16, and named so', async () => {
    const { exit, verdict, arithmetic } = await judged(arch, 'bf16', await roundedFile(arch));
    expect(verdict).toMatchObject({ status: 'match' });
    expect(exit).toBe(0);
    const computed = arithmetic.filter(({ stage }) => stage !== 'embedding');
    expect([...new Set(computed.map((named) => named.arithmetic))]).toEqual(['bf16-inputs']);
    expect(computed.length).toBeGreaterThan(15);
  });

  it('names a weight that its bf16 run did not have', async () => {
    const model = await roundedFile(arch, (weights, tensor) => {
      if (tensor === damaged) for (let i = 0; i < weights.length; i += 5) weights[i] = 1.25 * (weights[i] ?? 0);
    });
    const { exit, verdict } = await judged(arch, 'bf16', model);
    expect(exit).toBe(1);
    expect(verdict.first?.tensor).toBe(damaged);
  });

  it('names the one weight that is damaged', async () => {
    const { exit, verdict } = await judged(arch, 'damaged');
    expect(exit).toBe(1);
    expect(verdict.first?.tensor).toBe(damaged);
    expect(verdict.first?.layer).toBe(Number(/\d+/.exec(damaged)?.[0]));
  });
});

it("reads a pass of SGLang's form: q, k and v in one, and lists of a module's several outputs", () => {
  const { traces, ignored } = readTraces(readFileSync(`${FOLDER}/Pass00000.pt`), 'Pass00000.pt');
  // The hidden states behind the last norm are `model.norm`'s.
  expect(ignored).toEqual(['model']);
  const { traces: own } = readTraces(readFileSync(`${FOLDER}/qwen3moe-bf16.safetensors`), 'qwen3moe-bf16.safetensors');
  const valuesOf = (all: typeof traces, stage: string): Float32Array | Uint32Array | undefined => {
    const captures = all.flatMap((trace) => [...trace.captures.values()]);
    return captures.find((captured) => captured.stage === stage && (captured.layer ?? 1) === 1)?.data;
  };
  for (const stage of [
    'attn_norm',
    'q_proj',
    'k_proj',
    'v_proj',
    'attention',
    'attn_out',
    'moe_router_logits',
    'moe_ffn_out',
  ]) {
    const values = valuesOf(traces, stage);
    expect(values?.length, stage).toBeGreaterThan(0);
    expect(values, stage).toEqual(valuesOf(own, stage));
  }
});
