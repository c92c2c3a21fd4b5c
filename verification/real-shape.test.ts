import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCpuEngine } from '../src/cpu/engine/cpu-engine';
import { createInlinePool } from '../src/cpu/pool/inline-pool';
import { ggmlType, isQuantType, rowBytes } from '../src/gguf/ggml-types';
import type { ModelFile } from '../src/gguf/model-file';
import { nodeSource } from '../src/gguf/node-source';
import { openModel } from '../src/gguf/open-model';
import type { Capture } from '../src/model/engine';
import { readHParams } from '../src/model/read-hparams';
import type { StageId } from '../src/model/stages';
import { makeRecipe } from '../src/synthetic/make-recipe';
import { modelToWrite } from '../src/synthetic/model-to-write';
import { writeModelFiles } from '../src/synthetic/write-model';
import { relativeRms } from '../tests/support/golden';
import { textbookValue } from '../tests/support/gguf-textbook';
import { plainLayer, type LayerValues, type Matrix } from './plain-layer';

/** Captures are rounded to f32, and the layer's input with them: 2^-24 of each value, some of which a layer amplifies. */
const LIMIT = 2e-7;
/** Of four layers, the third has Q6_K in attn_v and ffn_down_exps, the first Q4_K throughout. */
const LAYERS = [0, 2];
const TOKENS = Uint32Array.of(17, 2048, 999);

const folder = mkdtempSync(join(tmpdir(), 'moescope-real-'));
let model: ModelFile;

beforeAll(async () => {
  // The real shape in everything that a layer sees.
  const sizes = { nLayer: 4, nVocab: 4096 };
  const recipe = makeRecipe({ shape: 'qwen3-30b-a3b', type: 'Q4_K_M', seed: 3, tied: false, sizes });
  const path = join(folder, 'real.gguf');
  await writeModelFiles([{ path, file: modelToWrite(recipe) }]);
  model = await openModel([await nodeSource(path)]);
});
afterAll(async () => {
  await model.close();
  rmSync(folder, { recursive: true });
});

it('the reference agrees with a forward written a second time, at the real shape', { timeout: 600_000 }, async () => {
  const hparams = readHParams(model);
  const engine = createCpuEngine({ model, hparams, pool: createInlinePool(model) });
  const positions = [...TOKENS.keys()];
  const stages: readonly StageId[] = [
    ...(['attention', 'post_attn_residual', 'moe_router_probs', 'moe_router_indices', 'moe_router'] as const),
    ...(['moe_ffn_out', 'post_ffn_residual'] as const),
  ];
  const capture = new Map<StageId, readonly number[]>(stages.map((stage) => [stage, positions]));
  const begun = await engine.begin(TOKENS, 0, { capture: new Map([['embedding', positions]]) });
  let input = values(begun.captures.get('embedding'));
  const lines: string[] = [];
  for (let layer = 0; layer < 3; layer++) {
    const { captures } = await engine.layer(layer, { capture });
    if (LAYERS.includes(layer)) {
      const plain = await independent(layer, input);
      const type = model.tensors.get(`blk.${layer}.ffn_down_exps.weight`)?.type ?? '';
      for (const [stage, expected] of stagesOf(plain)) {
        const error = relativeRms(values(captures.get(stage)), expected);
        lines.push(`| ${layer} (${type}) | ${stage} | ${error.toExponential(1)} |`);
        expect(error, `layer ${layer}, ${stage}`).toBeLessThan(LIMIT);
      }
      expect([...values(captures.get('moe_router_indices'))]).toEqual(plain.experts.flat());
    }
    input = values(captures.get('post_ffn_residual'));
  }
  mkdirSync('test-results', { recursive: true });
  writeFileSync('test-results/real-shape.md', `| layer | stage | relative RMS |\n|---|---|---|\n${lines.join('\n')}\n`);
});

function values(captured: Capture | undefined): Float64Array {
  return Float64Array.from(captured?.data ?? []);
}

function stagesOf(plain: LayerValues): readonly (readonly [StageId, readonly number[]])[] {
  return [
    ['attention', plain.attention.flat()],
    ['post_attn_residual', plain.residual.flat()],
    ['moe_router_probs', plain.probs.flat()],
    ['moe_router', plain.weights.flat()],
    ['moe_ffn_out', plain.moeOut.flat()],
    ['post_ffn_residual', plain.output.flat()],
  ];
}

/** The layer by `plain-layer.ts`, its weights element by element from the raw bytes. */
async function independent(layer: number, input: Float64Array): Promise<LayerValues> {
  const hparams = readHParams(model);
  const whole = async (name: string): Promise<{ readonly row: Matrix; readonly nOut: number }> => {
    const tensor = model.tensors.get(`blk.${layer}.${name}.weight`);
    if (tensor === undefined) throw new Error(`no ${name}`);
    const { type } = tensor;
    if (!isQuantType(type)) throw new Error(`${name} is ${type}`);
    const [nIn = 0, nOut = 1] = tensor.dims;
    const bytes = await model.readTensor(tensor, 0, tensor.bytes);
    const { blockSize, typeSize } = ggmlType(type);
    const row = (r: number): Float64Array => {
      const start = r * rowBytes(type, nIn);
      return Float64Array.from({ length: nIn }, (_, i) =>
        textbookValue(type, bytes, start + Math.floor(i / blockSize) * typeSize, i % blockSize),
      );
    };
    return { row, nOut };
  };
  const vector = async (name: string): Promise<Float64Array> => Float64Array.from((await whole(name)).row(0));
  const matrix = async (name: string): Promise<Matrix> => (await whole(name)).row;
  const experts = async (name: string): Promise<(expert: number) => Matrix> => {
    const { row, nOut } = await whole(name);
    return (expert) => (r) => row(expert * nOut + r);
  };
  const weights = {
    attnNorm: await vector('attn_norm'),
    q: await matrix('attn_q'),
    k: await matrix('attn_k'),
    v: await matrix('attn_v'),
    qNorm: await vector('attn_q_norm'),
    kNorm: await vector('attn_k_norm'),
    attnOutput: await matrix('attn_output'),
    ffnNorm: await vector('ffn_norm'),
    router: await matrix('ffn_gate_inp'),
    gate: await experts('ffn_gate_exps'),
    up: await experts('ffn_up_exps'),
    down: await experts('ffn_down_exps'),
  };
  const tokens = Array.from({ length: TOKENS.length }, (_, t) =>
    input.subarray(t * hparams.nEmbd, (t + 1) * hparams.nEmbd),
  );
  return plainLayer(tokens, weights, hparams);
}
