import { attentionScores } from '../../ops/attention-scores/exact';
import { attentionValues } from '../../ops/attention-values/exact';
import type { HeadProducts } from '../../ops/exact-op';
import { FREE_FROM, giveInstance, takeInstance } from './simd-module';

/** Keys and values of the positions so far, (positions, nHeadKv * headDim) each, and how heads lie in them. Either may be empty where it is not used. */
export interface KeysAndValues {
  readonly keys: Float64Array;
  readonly values: Float64Array;
  readonly positions: number;
  /** nHeadKv * headDim */
  readonly kvDim: number;
  readonly headDim: number;
  /** What scores are divided by. */
  readonly divisor: number;
}

/** In WebAssembly where that can be had and pays, and in JavaScript elsewhere: the same bits. */
export function headAttention(kv: KeysAndValues): HeadProducts {
  return (kv.positions >= WORTH_COPYING ? simdAttention(kv) : undefined) ?? plainAttention(kv);
}

/** Positions from which on copying keys and values costs less than it saves. */
const WORTH_COPYING = 4;

/** The plain loops: the truth. */
export function plainAttention({ keys, values, kvDim, headDim, divisor }: KeysAndValues): HeadProducts {
  return {
    scores: (q, qAt, channel, nKeys, out, outAt) => {
      attentionScores(q, qAt, keys, channel, kvDim, headDim, nKeys, out, outAt, divisor);
    },
    values: (weights, channel, nKeys, out, outAt) => {
      attentionValues(weights, 0, nKeys, values, channel, kvDim, headDim, out, outAt);
    },
    release: () => undefined,
  };
}

const F64_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** In WebAssembly SIMD (`wasm/attention.ts`); undefined where that cannot be had. */
export function simdAttention(kv: KeysAndValues): HeadProducts | undefined {
  const { positions, kvDim, headDim } = kv;
  const length = positions * kvDim;
  // One after the other: a query or an output of one head, a row of scores or weights, keys, values. An odd row would leave vectors unaligned.
  const headAt = FREE_FROM;
  const rowAt = headAt + headDim * F64_BYTES;
  const keysAt = rowAt + (positions + (positions % 2)) * F64_BYTES;
  const valuesAt = keysAt + length * F64_BYTES;
  const instance = takeInstance(valuesAt + length * F64_BYTES);
  if (instance === undefined) return undefined;
  const { buffer } = instance.memory;
  const head = new Float64Array(buffer, headAt, headDim);
  const row = new Float64Array(buffer, rowAt, positions);
  new Float64Array(buffer, keysAt, length).set(kv.keys.subarray(0, length));
  new Float64Array(buffer, valuesAt, length).set(kv.values.subarray(0, length));
  const stride = kvDim * F64_BYTES;
  return {
    scores: (q, qAt, channel, nKeys, out, outAt) => {
      head.set(q.subarray(qAt, qAt + headDim));
      instance.scores(headAt, keysAt + channel * F64_BYTES, stride, headDim, nKeys, kv.divisor, rowAt);
      out.set(row.subarray(0, nKeys), outAt);
    },
    values: (weights, channel, nKeys, out, outAt) => {
      row.set(weights.subarray(0, nKeys));
      instance.weighted(rowAt, nKeys, valuesAt + channel * F64_BYTES, stride, headDim, headAt);
      out.set(head, outAt);
    },
    release: () => {
      giveInstance(instance);
    },
  };
}
