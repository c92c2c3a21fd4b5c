import { formatBytes, formatMilliseconds, plural } from '../base/format';
import type { BenchReport, TraceCost } from './bench-report';

/** A benchmark in words, line by line, the same wherever it is shown; the caller names the adapter. */
export function benchFacts(report: BenchReport): readonly (readonly [name: string, text: string])[] {
  const { model, load, prefill, decode, traceCost, memory } = report;
  return [
    ['model', `${model.file}, ${model.quant}, ${formatBytes(model.bytes)}, ${plural(model.nLayer, 'layer')}`],
    ['engine', report.engine],
    ['load', loadText(load)],
    [
      'prefill',
      `${rate(prefill.tokensPerSecond)} tokens/s (${prefill.tokens} tokens${prefill.by === 'decoder' ? ' by the decoder' : ''}, median of ${prefill.runs.length})`,
    ],
    ['decode', decodeText(decode)],
    ['bandwidth', bandwidthText(report)],
    ...(decode.dispatchesPerToken === undefined ? [] : [['a token', tokenText(decode)] as const]),
    ['trace', `${traceCost.stages.join(' and ')} of every layer: ${traceCostText(traceCost)}`],
    ['memory', memoryText(memory)],
  ];
}

function decodeText({ by, tokens, tokensPerSecond }: BenchReport['decode']): string {
  if (by?.by === 'decoder') {
    const tuned = { measured: ', tuned now', kept: ', tuned before', usual: '' }[by.tuned];
    return `${rate(tokensPerSecond)} tokens/s by the fast decoder${tuned} (mean of ${tokens})`;
  }
  const why = by === undefined ? '' : `, by the engine: ${by.why}`;
  return `${rate(tokensPerSecond)} tokens/s (median of ${tokens})${why}`;
}

function loadText(load: BenchReport['load']): string {
  const parts = [
    load.deviceMs === undefined ? [] : [`device ${formatMilliseconds(load.deviceMs)}`],
    load.firstLayerMs === undefined ? [] : [`first layer ${formatMilliseconds(load.firstLayerMs)}`],
    [`first prompt ${formatMilliseconds(load.firstPromptMs)}, reading ${formatBytes(load.bytesRead)}`],
    ...(load.wholeModelMs === undefined ? [] : [[`whole model loaded in ${formatMilliseconds(load.wholeModelMs)}`]]),
  ];
  return parts.flat().join(', ');
}

/** A cost smaller than what runs without a capture differ among themselves is none that was seen. */
function traceCostText({ share, pairs, spread: [low, high], noise }: TraceCost): string {
  const signed = (x: number): string => `${x < 0 ? '' : '+'}${percent(x)}`;
  const seen = `${signed(share)} time a token (median of ${plural(pairs, 'pair')}, quartiles ${signed(low)} and ${signed(high)})`;
  return Math.abs(share) > noise ? seen : `${seen}, less than runs without it differ (${percent(noise)})`;
}

function bandwidthText({ decode, readBandwidth }: BenchReport): string {
  const own = `${formatBytes(decode.bytesPerToken)} of weights a token, ${formatBytes(decode.bytesPerSecond)}/s`;
  const read = decode.fileBytesPerToken > 0 ? `; ${formatBytes(decode.fileBytesPerToken)} a token from the file` : '';
  if (readBandwidth === undefined || decode.shareOfRead === undefined) return own + read;
  return `${own}, ${percent(decode.shareOfRead)} of what a kernel can read (${formatBytes(readBandwidth)}/s)${read}`;
}

function tokenText(decode: BenchReport['decode']): string {
  return [
    `${rate(decode.dispatchesPerToken ?? 0)} dispatches`,
    `${rate(decode.submitsPerToken ?? 0)} submits`,
    `${rate(decode.readbacksPerToken ?? 0)} readbacks`,
  ].join(', ');
}

function memoryText(memory: BenchReport['memory']): string {
  const parts = [
    ['GPU weights', memory.gpuWeightBytes],
    ['GPU peak', memory.gpuPeakBytes],
    ['process peak', memory.processPeakBytes],
  ] as const;
  return parts.flatMap(([name, bytes]) => (bytes === undefined ? [] : [`${name} ${formatBytes(bytes)}`])).join(', ');
}

/** A rate or count to three figures. */
export function rate(value: number): string {
  return value >= 99.5 ? value.toFixed(0) : value >= 9.95 ? value.toFixed(1) : value.toFixed(2);
}

/** 0.5 as 50.0 %. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
