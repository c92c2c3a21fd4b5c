/* eslint-disable no-console -- a command */
import { parseArgs } from 'node:util';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import { TEAM_KERNELS, type DecodeChoice, type TeamShape } from '../../../src/gpu/decode/decode-kernels';
import { createDecoder } from '../../../src/gpu/decode/decoder';
import { openDevice } from '../../../src/gpu/device';
import { KvCache } from '../../../src/gpu/engine/kv-cache';
import { nodeGpu, useSwiftShader } from '../../../src/gpu/node-device';
import { Recorder } from '../../../src/gpu/recorder';
import type { DecodeGraph } from '../../../src/gpu/decode/decode-graph';
import { checkDecoding } from './check';
import { benchGraph, ofKernel, timePasses, type BenchModel } from './measure';
import { qwen3Shape, RandomModel } from './random-model';

/*
 * node scripts/bench-decode.mjs [--layers 48] [--sweep] [--workgroup] [--tokens 64] [--positions 0,511]
 * Decoding at the shape of Qwen3-30B-A3B, Q4_K_M, random weights: microseconds a kernel, then tokens a second.
 */
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '48' },
    check: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    kernels: { type: 'string', default: TEAM_KERNELS.join() },
    workgroup: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '64' },
    positions: { type: 'string', default: '0,250,511' },
    times: { type: 'string', default: '6' },
  },
});

useSwiftShader();
const context = await openDevice(nodeGpu(), { adapter: 'any' });
const { card } = context;
console.log(`${card.description} ${card.vendor} ${card.architecture}; binding ${context.maxBindingBytes}`);
const hparams = qwen3Shape(Number(values.layers));
const weights = new RandomModel(context, hparams);
const recorder = new Recorder(context);
const keys = new KvCache(context, recorder, hparams.kvDim);
keys.reserve(1024);
const model: BenchModel = { context, hparams, weights, keys };
let choice = await defaultChoice(context);
if (values.workgroup) choice = { ...choice, subgroups: false };
const times = Number(values.times);

await context.step(async () => {
  const started = performance.now();
  const graph = await benchGraph(model, choice);
  console.log(`graph of ${graph.dispatches.length} dispatches built in ${(performance.now() - started).toFixed(0)} ms`);
  console.log(`weights ${(weights.bytes / 1e9).toFixed(2)} GB`);
  const first = await timePasses(model, graph.dispatches, times);
  console.log(`token        ${first.gpu.toFixed(0)} us on the GPU as is`);
  let best = first.gpu;
  for (const dots of ['own', 'plain'] as const) {
    for (const ahead of [1, 3] as const) {
      const tried: DecodeChoice = { ...choice, dots, ahead };
      const { gpu } = await timePasses(model, (await benchGraph(model, tried)).dispatches, times);
      console.log(`token        ${gpu.toFixed(0)} us with ${dots} dots, ${ahead} ahead`);
      if (gpu >= best) continue;
      best = gpu;
      choice = tried;
    }
  }
  if (values.sweep) await sweep();
  await report(await benchGraph(model, choice));
});
await tokens();
if (values.check) await checkDecoding(context, choice);
context.dispose();

async function report(graph: DecodeGraph): Promise<void> {
  const all = await timePasses(model, graph.dispatches, times);
  let sum = 0;
  for (const kernel of [...new Set(graph.dispatches.map((d) => d.kernel))]) {
    const some = ofKernel(graph, kernel);
    const { gpu } = await timePasses(model, some, Math.ceil((times * 48) / some.length));
    const without = graph.dispatches.filter((d) => d.kernel !== kernel);
    const rest = await timePasses(model, without, times);
    sum += gpu;
    const each = (us: number): string => (us / some.length).toFixed(1).padStart(7);
    console.log(`${kernel.padEnd(12)} ${each(gpu)} us alone, ${each(all.gpu - rest.gpu)} us in its place`);
  }
  console.log(`sum          ${sum.toFixed(0)} us a token`);
  const cpu = all.encode + all.finish + all.submit;
  console.log(
    `token        ${all.gpu.toFixed(0)} us on the GPU: ${(1e6 / all.gpu).toFixed(0)} tok/s; on the CPU ${cpu.toFixed(0)} us:`,
    `encode ${all.encode.toFixed(0)}, finish ${all.finish.toFixed(0)}, submit ${all.submit.toFixed(0)}`,
  );
  const one = await timePasses(model, graph.dispatches, 1);
  console.log(
    `one token    gpu ${one.gpu.toFixed(0)}, encode ${one.encode.toFixed(0)}, finish ${one.finish.toFixed(0)}, submit ${one.submit.toFixed(0)}`,
  );
}

/** Chooses kernel by kernel what makes the whole token fastest. */
async function sweep(): Promise<void> {
  for (const kernel of values.kernels.split(',').flatMap((k) => TEAM_KERNELS.filter((t) => t === k))) {
    const results: { readonly name: string; readonly us: number; readonly choice: DecodeChoice }[] = [];
    for (const team of candidates(kernel)) {
      const tried = withTeam(choice, kernel, team);
      const graph = await benchGraph(model, tried);
      const us = (await timePasses(model, graph.dispatches, times)).gpu;
      results.push({ name: `${team.lanes}/${team.group}*${team.batches}`, us, choice: tried });
      context.release(graph.params);
    }
    results.sort((a, b) => a.us - b.us);
    console.log(
      `${kernel}: ${results
        .slice(0, 12)
        .map(({ name, us }) => `${name} ${us.toFixed(0)}`)
        .join(', ')} ... ${results.at(-1)?.us.toFixed(0)}`,
    );
    choice = results[0]?.choice ?? choice;
  }
  console.log(JSON.stringify(choice.teams));
}

function candidates(kernel: (typeof TEAM_KERNELS)[number]): readonly TeamShape[] {
  const lanes = kernel === 'expertsOut' ? ([8, 16] as const) : ([32] as const);
  return lanes.flatMap((l) =>
    [64, 128].flatMap((group) => ([1, 2, 4] as const).map((batches) => ({ lanes: l, group, batches }))),
  );
}

function withTeam(from: DecodeChoice, kernel: (typeof TEAM_KERNELS)[number], team: TeamShape): DecodeChoice {
  return { ...from, teams: { ...from.teams, [kernel]: team } };
}

async function tokens(): Promise<void> {
  const decoder = await createDecoder({ context, hparams, weights, keys, choice });
  const count = Number(values.tokens);
  console.log(`dispatches: ${decoder.dispatches.token} a token, ${decoder.dispatches.layer} a layer`);
  for (const position of values.positions.split(',').map(Number)) {
    const rates: string[] = [];
    for (const inFlight of [2, 4, 6]) {
      await decoder.generate(17, position, { count: 20, inFlight });
      const begun = performance.now();
      await decoder.generate(17, position, { count, inFlight });
      rates.push(`${inFlight}: ${((1000 * count) / (performance.now() - begun)).toFixed(0)}`);
    }
    console.log(`at ${position} with so many in flight, tok/s: ${rates.join(', ')}`);
    let started = performance.now();
    const made = await decoder.generate(17, position, { count });
    const generate = performance.now() - started;
    started = performance.now();
    for (let i = 0; i < count; i++) await decoder.decode(made[i]?.token ?? 0, position + i);
    const single = performance.now() - started;
    const capture = { stages: ['moe_router', 'moe_ffn_out'] as const };
    await decoder.generate(17, position, { count: 8, capture });
    started = performance.now();
    await decoder.generate(17, position, { count, capture });
    const traced = performance.now() - started;
    const rate = (ms: number): string => `${((1000 * count) / ms).toFixed(0)} tok/s`;
    console.log(
      `at ${position}: generate ${rate(generate)}, decode one by one ${rate(single)}, traced ${rate(traced)}`,
      `tokens ${new Set(made.map((d) => d.token)).size} different`,
    );
  }
}
