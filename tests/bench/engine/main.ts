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
import { ACTIVE_STAGES, type ActiveStageId } from '../../../src/model/stages';
import { checkArm } from './check';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prefill: { type: 'string', default: '64,512' },
    decode: { type: 'string', default: '16' },
    budget: { type: 'string' },
    check: { type: 'boolean', default: false },
    stages: { type: 'boolean', default: false },
  },
});

/** Milliseconds of each stage since the last report. */
const stageTimes = new Map<string, number>();

useSwiftShader();
const context = await openDevice(nodeGpu(), { adapter: 'any' });
const { description, isSoftware, limits } = context.card;
console.log(
  `${description}${isSoftware ? ' (software)' : ''}; largest binding ${limits['maxStorageBufferBindingSize']}`,
);
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
      ...(values.stages ? { replace: timedStages() } : {}),
      ...(values.budget === undefined ? {} : { budget: Number(values.budget) }),
    });
    await benchPrompt(engine, model, hparams, count);
    await engine.dispose();
  }
  await model.close();
}

/** Every stage alone on the GPU: waits before and after it, so that the passes as a whole take longer. */
function timedStages(): NonNullable<GpuEngineOptions['replace']> {
  const timed = (stage: ActiveStageId) => (usual: StageKernel) => async (run: StageRun) => {
    await run.tools.pacer.settle(run.signal);
    const started = performance.now();
    await usual(run);
    await run.tools.pacer.settle(run.signal);
    stageTimes.set(stage, (stageTimes.get(stage) ?? 0) + performance.now() - started);
  };
  return Object.fromEntries(ACTIVE_STAGES.map((stage) => [stage, timed(stage)]));
}

function reportStages(what: string, layers: number): void {
  if (stageTimes.size === 0) return;
  const times = [...stageTimes]
    .sort(([, a], [, b]) => b - a)
    .map(([stage, ms]) => `${stage} ${(ms / layers).toFixed(3)}`);
  console.log(`${what}, ms a layer: ${times.join(', ')}`);
  stageTimes.clear();
}

/** A prompt cold, the same warm, then single tokens. */
async function benchPrompt(engine: GpuEngine, model: ModelFile, hparams: HParams, count: number): Promise<void> {
  const tokens = Uint32Array.from({ length: count }, (_, i) => (i * 7919 + 13) % hparams.nVocab);
  const cold = await pass(engine, hparams, tokens, 0);
  stageTimes.clear();
  const warm = await pass(engine, hparams, tokens, 0);
  reportStages(`prefill ${count}`, hparams.nLayer);
  const again = await pass(engine, hparams, tokens, 0);
  const steps = Number(values.decode);
  const decode: Pass[] = [];
  for (let i = 0; i < 2 * steps; i++) {
    if (i === steps) stageTimes.clear();
    decode.push(await pass(engine, hparams, Uint32Array.of((i * 31 + 7) % hparams.nVocab), count + (i % steps)));
  }
  reportStages(`decode at ${count}`, hparams.nLayer * steps);
  const rate = (p: Pass): string =>
    `${p.ms.toFixed(1)} ms, ${(p.layers / hparams.nLayer).toFixed(2)} ms a layer, ${(p.bytes / 1e6).toFixed(0)} MB read`;
  console.log(`prefill ${count}: cold ${rate(cold)}`);
  console.log(`prefill ${count}: warm ${rate(warm)}; ${rate(again)}`);
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
