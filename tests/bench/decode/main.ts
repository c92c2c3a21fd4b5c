/* eslint-disable no-console -- a command */
import { parseArgs } from 'node:util';
import { defaultChoice } from '../../../src/gpu/decode/decode-choice';
import { LANE_GROUP_FUSIONS, type DecodeChoice, type LaneGroupShape } from '../../../src/fusions/choice';
import { createDecoder } from '../../../src/gpu/decode/decoder';
import { openDevice } from '../../../src/gpu/device';
import { KvCache } from '../../../src/gpu/engine/kv-cache';
import { nodeGpu, useSwiftShader } from '../../../src/gpu/node-device';
import { Recorder } from '../../../src/gpu/recorder';
import { kernelName } from '../../../src/ops/kernel-spec';
import type { DecodeDispatch } from '../../../src/gpu/decode/decode-graph';
import { methodName, type AttentionChoice } from '../../../src/fusions/attention/attention-plan';
import { chosenAttention, timeAttention } from '../../../src/gpu/decode/tune-attention';
import { checkDecoding } from './check';
import { attentionInputs, benchGraph, ofKernel, timePasses, type BenchModel } from './measure';
import { qwen3Shape, RandomModel } from './random-model';

/*
 * node scripts/bench-decode.mjs [--layers 48] [--attention] [--sweep] [--workgroup] [--profiles 64,512] [--tokens 64] [--positions 0,511]
 * Decoding at the shape of Qwen3-30B-A3B, Q4_K_M, random weights: microseconds a kernel at the positions of --profiles, then tokens a second
 * from those of --positions. --attention times its methods and takes the best.
 * --turns: what it costs that kernels take turns.
 */
const { values } = parseArgs({
  allowPositionals: true,
  options: {
    layers: { type: 'string', default: '48' },
    check: { type: 'boolean', default: false },
    attention: { type: 'boolean', default: false },
    turns: { type: 'boolean', default: false },
    profiles: { type: 'string', default: '64' },
    sweep: { type: 'boolean', default: false },
    kernels: { type: 'string', default: LANE_GROUP_FUSIONS.join() },
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
const keys = new KvCache(context, recorder, () => hparams.kvDim);
keys.reserve(9000);
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
  if (values.attention) choice = { ...choice, attention: await attentionMethods() };
  if (values.turns) await turns();
  for (const position of values.profiles.split(',').map(Number)) await report(position);
});
await tokens();
if (values.check) await checkDecoding(context, choice);
context.dispose();

async function report(position: number): Promise<void> {
  const graph = await benchGraph(model, choice, position);
  const { splits } = graph;
  console.log(`a token at ${position}, ${splits} splits`);
  const all = await timePasses(model, graph.dispatches, times, splits);
  let sum = 0;
  for (const kernel of [...new Set(graph.dispatches.map((d) => kernelName(d.kernel)))]) {
    const some = ofKernel(graph, kernel);
    const { gpu } = await timePasses(model, some, Math.ceil((times * 48) / some.length), splits);
    const without = graph.dispatches.filter((d) => kernelName(d.kernel) !== kernel);
    const rest = await timePasses(model, without, times, splits);
    sum += gpu;
    const each = (us: number): string => (us / some.length).toFixed(1).padStart(7);
    console.log(`${kernel.padEnd(24)} ${each(gpu)} us alone, ${each(all.gpu - rest.gpu)} us in its place`);
  }
  console.log(`sum          ${sum.toFixed(0)} us a token`);
  const cpu = all.encode + all.finish + all.submit;
  console.log(
    `token        ${all.gpu.toFixed(0)} us on the GPU: ${(1e6 / all.gpu).toFixed(0)} tok/s; on the CPU ${cpu.toFixed(0)} us:`,
    `encode ${all.encode.toFixed(0)}, finish ${all.finish.toFixed(0)}, submit ${all.submit.toFixed(0)}`,
  );
  const one = await timePasses(model, graph.dispatches, 1, splits);
  console.log(
    `one token    gpu ${one.gpu.toFixed(0)}, encode ${one.encode.toFixed(0)}, finish ${one.finish.toFixed(0)}, submit ${one.submit.toFixed(0)}`,
  );
}

/** What it costs that kernels take turns: alone; with a small other kernel behind each; in pairs; all of a layer; each twice, for two layers. */
async function turns(): Promise<void> {
  const graph = await benchGraph(model, choice);
  const kernels = ['qkv', 'attention_lane_groups', 'project', 'router', 'experts_in', 'experts_out'] as const;
  const all = kernels.map((kernel) => ofKernel(graph, `fusions/${kernel}`)).filter((some) => some.length > 0);
  const layers = all[0]?.length ?? 0;
  const each = async (dispatches: readonly DecodeDispatch[]): Promise<number> =>
    (await timePasses(model, dispatches, times)).gpu / layers;
  const small = ofKernel(graph, 'sampling/argmax_last').flatMap((one) => Array.from({ length: layers }, () => one));
  const one = await each(small);
  const at = (some: readonly DecodeDispatch[] | undefined, layer: number): readonly DecodeDispatch[] =>
    some?.slice(layer % layers, (layer % layers) + 1) ?? [];
  const inTurns = (...kinds: readonly (readonly DecodeDispatch[])[]): readonly DecodeDispatch[] =>
    Array.from({ length: layers }, (_, l) => kinds.flatMap((some) => at(some, l))).flat();
  console.log(`argmax_last alone ${one.toFixed(2)} us`);
  const alone: number[] = [];
  for (const some of all) {
    const own = await each(some);
    alone.push(own);
    const turn = await each(inTurns(some, small));
    const next = all[alone.length % all.length] ?? [];
    const pair = (await each(inTurns(some, next))) - own - (await each(next));
    console.log(
      `${some[0]?.fusion}: alone ${own.toFixed(2)} us, with a small one ${(turn - own - one).toFixed(2)} us more, with the next kernel ${pair.toFixed(2)} us more`,
    );
  }
  const sum = alone.reduce((a, b) => a + b, 0);
  const whole = await each(inTurns(...all));
  const reversed = await each(inTurns(...all.toReversed()));
  const twice = await each(
    Array.from({ length: layers }, (_, l) =>
      all.flatMap((some) => [...at(some, l), ...at(some, l + layers / 2)]),
    ).flat(),
  );
  console.log(
    `a layer: alone ${sum.toFixed(1)} us, in turns ${whole.toFixed(1)} us, reversed ${reversed.toFixed(1)} us, each twice ${twice.toFixed(1)} us`,
  );
}

/** Times attention alone, method by method. */
async function attentionMethods(): Promise<AttentionChoice> {
  const timed = await timeAttention(attentionInputs(model, choice), Infinity);
  for (const { keys: nKeys, methods } of timed) {
    const each = methods.map(({ method, us }) => `${methodName(method)}: ${((us ?? NaN) / 2).toFixed(1)}`);
    console.log(`attention of a layer over ${nKeys} keys, us: ${each.join('; ')}`);
  }
  const chosen = chosenAttention(choice.attention, timed);
  console.log(chosen.map(({ from, method }) => `from ${from}: ${methodName(method)}`).join('; '));
  return chosen;
}

/** Chooses kernel by kernel what makes the whole token fastest. */
async function sweep(): Promise<void> {
  for (const kernel of values.kernels.split(',').flatMap((k) => LANE_GROUP_FUSIONS.filter((t) => t === k))) {
    const results: { readonly name: string; readonly us: number; readonly choice: DecodeChoice }[] = [];
    for (const laneGroup of candidates(kernel)) {
      const tried = withLaneGroup(choice, kernel, laneGroup);
      const graph = await benchGraph(model, tried);
      const us = (await timePasses(model, graph.dispatches, times)).gpu;
      results.push({ name: `${laneGroup.lanes}/${laneGroup.group}*${laneGroup.batches}`, us, choice: tried });
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
  console.log(JSON.stringify(choice.laneGroups));
}

function candidates(kernel: (typeof LANE_GROUP_FUSIONS)[number]): readonly LaneGroupShape[] {
  const lanes = kernel === 'experts-out' ? ([8, 16] as const) : ([32] as const);
  return lanes.flatMap((l) =>
    [64, 128].flatMap((group) => ([1, 2, 4] as const).map((batches) => ({ lanes: l, group, batches }))),
  );
}

function withLaneGroup(
  from: DecodeChoice,
  kernel: (typeof LANE_GROUP_FUSIONS)[number],
  laneGroup: LaneGroupShape,
): DecodeChoice {
  return { ...from, laneGroups: { ...from.laneGroups, [kernel]: laneGroup } };
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
      const at: number[] = [begun];
      const onToken = (): undefined => {
        at.push(performance.now());
      };
      await decoder.generate(17, position, { count, inFlight, onToken });
      const gaps = at.slice(1).map((t, i) => t - (at[i] ?? NaN));
      const [median = NaN, most = NaN] = [0.5, 1].map(
        (q) => gaps.toSorted((a, b) => a - b)[Math.ceil(q * gaps.length) - 1],
      );
      const late = gaps.filter((gap) => gap > 1.5 * median).length;
      const rate = ((1000 * count) / (performance.now() - begun)).toFixed(0);
      rates.push(`${inFlight}: ${rate} (median ${median.toFixed(2)} ms, longest ${most.toFixed(2)}, ${late} late)`);
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
