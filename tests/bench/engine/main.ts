/* eslint-disable no-console -- a command */
import { parseArgs } from 'node:util';
import { nodeSource } from '../../../src/gguf/node-source';
import { openModel } from '../../../src/gguf/open-model';
import type { ModelFile } from '../../../src/gguf/model-file';
import { openDevice, type GpuContext } from '../../../src/gpu/device';
import { createGpuEngine, type GpuEngine, type GpuEngineOptions } from '../../../src/gpu/engine/gpu-engine';
import type { StageKernel, StageRun } from '../../../src/gpu/engine/stage-run';
import { nodeGpu, useSwiftShader } from '../../../src/gpu/node-device';
import type { CaptureRequest } from '../../../src/model/engine';
import type { HParams } from '../../../src/model/hparams';
import { readHParams } from '../../../src/model/read-hparams';
import { stageSpec, type StageId } from '../../../src/model/stages';
import { ACTIVE_STAGES } from '../../support/stages';
import { checkArm, checkSame } from './check';
import { warmDecode } from '../../../src/gpu/decode/warm-decode';
import { benchGenerate } from './generate';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefill: { type: 'string', default: '64,512' },
    decode: { type: 'string', default: '16' },
    budget: { type: 'string' },
    check: { type: 'boolean', default: false },
    // Runs a prompt in every way that must not change a bit.
    same: { type: 'boolean', default: false },
    stages: { type: 'boolean', default: false },
    // Loads all weights first: a prompt then reads nothing.
    preload: { type: 'boolean', default: false },
    // Tokens to generate after each prompt with the decoder of `gpu/decode/`; needs --preload.
    generate: { type: 'string', default: '0' },
  },
});

useSwiftShader();
const context = await openDevice(nodeGpu(), { adapter: 'any' });
const { description, isSoftware, limits } = context.card;
console.log(
  `${description}${isSoftware ? ' (software)' : ''}; largest binding ${limits['maxStorageBufferBindingSize']}`,
);
if (values.same) await checkSame(context);
if (values.check) await checkArm(context);
for (const path of positionals) await benchModel(context, path);
context.dispose();

async function benchModel(gpu: GpuContext, path: string): Promise<void> {
  const model = await openModel([await nodeSource(path)]);
  const hparams = readHParams(model);
  console.log(`${model.name}: ${hparams.nLayer} layers, ${model.bytes} bytes`);
  for (const count of values.prefill.split(',').map(Number)) {
    const engine = createGpuEngine({
      context: gpu,
      model,
      hparams,
      ...(values.stages ? { replace: repeatable(), groupOnGpu: true, fuseAttention: !isSoftware } : {}),
      ...(values.budget === undefined ? {} : { budget: Number(values.budget) }),
    });
    if (values.preload) {
      const started = performance.now();
      const loaded = await engine.preload(undefined, (weights) => warmDecode({ context: gpu, hparams, weights }));
      const seconds = (performance.now() - started) / 1000;
      const { weightBytes } = engine.stats();
      if (loaded)
        console.log(
          `loaded ${weightBytes} bytes in ${seconds.toFixed(2)} s, ${(weightBytes / seconds / 1e9).toFixed(2)} GB/s`,
        );
      else console.log('not loaded: the budget is too small');
    }
    await benchPrompt(engine, model, hparams, count);
    if (Number(values.generate) > 0) await benchGenerate(gpu, engine, hparams, count, Number(values.generate));
    await engine.dispose();
  }
  await model.close();
}

/** The stage that is computed more than once, and how often. */
let repeated: { readonly stage: StageId; readonly times: number } | undefined;

/** Stages that can be told to compute the same several times over: how much longer a pass takes then is what they cost in it. */
function repeatable(): NonNullable<GpuEngineOptions['replace']> {
  const often = (stage: StageId) => (usual: StageKernel) => async (run: StageRun) => {
    for (let i = 1; i < (repeated?.stage === stage ? repeated.times : 1); i++) await usual(run);
    await usual(run);
  };
  return Object.fromEntries(ACTIVE_STAGES.map((stage) => [stage, often(stage)]));
}

/** What each stage adds to a pass over a prompt, in microseconds a layer. */
async function reportStages(engine: GpuEngine, hparams: HParams, tokens: Uint32Array<ArrayBuffer>): Promise<void> {
  const fastest = async (): Promise<number> => {
    let ms = Infinity;
    for (let i = 0; i < 3; i++) ms = Math.min(ms, (await pass(engine, hparams, tokens, 0)).ms);
    return ms;
  };
  const times = 4;
  const once = await fastest();
  const costs: { readonly stage: StageId; readonly us: number }[] = [];
  for (const stage of ACTIVE_STAGES) {
    repeated = { stage, times };
    const layers = stageSpec(stage).scope === 'layer' ? hparams.nLayer : 1;
    costs.push({ stage, us: (((await fastest()) - once) * 1000) / (times - 1) / layers });
    repeated = undefined;
  }
  costs.sort((a, b) => b.us - a.us);
  const parts = costs.map(({ stage, us }) => `${stage} ${us.toFixed(0)}`);
  console.log(`prefill ${tokens.length}, us a stage: ${parts.join(', ')}`);
}

/** A prompt cold, the same warm, then single tokens. */
async function benchPrompt(engine: GpuEngine, model: ModelFile, hparams: HParams, count: number): Promise<void> {
  const tokens = Uint32Array.from({ length: count }, (_, i) => (i * 7919 + 13) % hparams.nVocab);
  const cold = await pass(engine, hparams, tokens, 0);
  const warm = await pass(engine, hparams, tokens, 0);
  if (values.stages) await reportStages(engine, hparams, tokens);
  const again: Pass[] = [];
  for (let i = 0; i < 5; i++) again.push(await pass(engine, hparams, tokens, 0));
  const fastest = again.reduce((a, b) => (a.ms <= b.ms ? a : b));
  const steps = Number(values.decode);
  const decode: Pass[] = [];
  for (let i = 0; i < 2 * steps; i++) {
    decode.push(await pass(engine, hparams, Uint32Array.of((i * 31 + 7) % hparams.nVocab), count + (i % steps)));
  }
  const rate = (p: Pass): string =>
    `${p.ms.toFixed(1)} ms, ${(p.layers / hparams.nLayer).toFixed(2)} ms a layer, ${(p.bytes / 1e6).toFixed(0)} MB read`;
  const perToken = (1000 * count) / fastest.ms;
  console.log(`prefill ${count}: ${perToken.toFixed(0)} tokens/s with ${hparams.nLayer} layers`);
  console.log(`prefill ${count}: cold ${rate(cold)}`);
  console.log(`prefill ${count}: warm ${rate(warm)}; fastest of ${again.length}: ${rate(fastest)}`);
  const warmed = decode.slice(steps).sort((a, b) => a.ms - b.ms);
  const median = warmed[warmed.length >> 1];
  if (median !== undefined) console.log(`decode at ${count}: ${rate(median)} (median of ${steps}, experts kept)`);
  const { weightBytes, peakBytes, expertsRead } = engine.stats();
  console.log(`weights ${weightBytes}, peak ${peakBytes}, experts read ${expertsRead}, file ${model.bytes}`);
}

interface Pass {
  readonly ms: number;
  /** Milliseconds in layers. */
  readonly layers: number;
  readonly bytes: number;
}

async function pass(
  engine: GpuEngine,
  hparams: HParams,
  tokens: Uint32Array<ArrayBuffer>,
  nPast: number,
): Promise<Pass> {
  const nothing: CaptureRequest = new Map();
  const logits: CaptureRequest = new Map([['lm_head', [nPast + tokens.length - 1]]]);
  const started = performance.now();
  let bytes = (await engine.begin(tokens, nPast, { capture: nothing })).bytesRead;
  let layers = 0;
  for (let layer = 0; layer < hparams.nLayer; layer++) {
    const step = await engine.layer(layer, { capture: nothing });
    bytes += step.bytesRead;
    layers += step.ms;
  }
  bytes += (await engine.end({ capture: logits })).bytesRead;
  return { ms: performance.now() - started, layers, bytes };
}
