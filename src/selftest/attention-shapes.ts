import { plural } from '../base/format';
import { inputValues, type InputKind } from './inputs';

/** Keys beyond those of the step that the buffers hold: NaN, which no kernel may meet. */
const SPARE_KEYS = 3;
/** Heads, keys and tokens of one attention. */
export interface AttentionShape {
  readonly tokens: number;
  readonly nHead: number;
  readonly nHeadKv: number;
  readonly headDim: number;
  readonly past: number;
  readonly kind?: InputKind;
  /** Multiplies the queries: scores far apart, so that a wrong maximum leaves no exponential above 0. */
  readonly size?: number;
  /** The newest keys that a query sees. By default all before it. */
  readonly window?: number;
}

/** What breaks sloppy kernels of attention: one of everything, keys on both sides of a workgroup, heads shared by none and by all. */
export const ATTENTION_SHAPES: readonly AttentionShape[] = [
  { tokens: 1, nHead: 1, nHeadKv: 1, headDim: 2, past: 0 },
  { tokens: 5, nHead: 5, nHeadKv: 1, headDim: 14, past: 0 },
  { tokens: 3, nHead: 4, nHeadKv: 2, headDim: 64, past: 61 },
  { tokens: 2, nHead: 6, nHeadKv: 6, headDim: 32, past: 63 },
  { tokens: 1, nHead: 8, nHeadKv: 2, headDim: 128, past: 64 },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 12, past: 2, kind: 'large' },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 12, past: 2, kind: 'subnormal' },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 10, past: 2, kind: 'large' },
  { tokens: 7, nHead: 4, nHeadKv: 2, headDim: 10, past: 2, kind: 'subnormal' },
];

/** Windows that begin at the first key, inside, and at a query's own; not of the kernels that know none. */
export const WINDOWED_SHAPES: readonly AttentionShape[] = [
  { tokens: 6, nHead: 2, nHeadKv: 1, headDim: 14, past: 0, window: 1 },
  { tokens: 9, nHead: 4, nHeadKv: 2, headDim: 12, past: 2, window: 5 },
  { tokens: 3, nHead: 2, nHeadKv: 2, headDim: 64, past: 97, window: 66 },
  { tokens: 4, nHead: 2, nHeadKv: 1, headDim: 10, past: 3, window: 7 },
];

/** A shape in words. */
export function describeAttention(shape: AttentionShape): string {
  const { tokens, nHead, nHeadKv, headDim, past, kind = 'normal', size = 1, window } = shape;
  const values = size === 1 ? kind : `scores of size ${size}`;
  const seen = window === undefined ? '' : `, a window of ${window}`;
  return `${plural(tokens, 'token')} after ${past}, ${plural(nHead, 'head')} on ${nHeadKv} of ${headDim}, ${values}${seen}`;
}

/** What the three kernels and the fused one are fed, and their indices. */
export function attentionInputs(shape: AttentionShape) {
  const { tokens, nHead, nHeadKv, headDim, past, kind = 'normal', size = 1 } = shape;
  const nKeys = past + tokens;
  const used = nKeys * nHeadKv * headDim;
  const padded = (seed: number, of: InputKind): Float32Array<ArrayBuffer> => {
    const all = new Float32Array(used + SPARE_KEYS * nHeadKv * headDim).fill(NaN);
    all.set(inputValues(of, used, seed));
    return all;
  };
  return {
    nKeys,
    rows: tokens * nHead,
    scale: 1 / Math.sqrt(headDim),
    q: inputValues(kind, tokens * nHead * headDim, 1).map((v) => size * v),
    keys: padded(2, kind),
    values: padded(4, kind),
    /** Where the key or value of a row's head begins. */
    kvAt: (row: number, key: number): number =>
      (key * nHeadKv + Math.floor((row % nHead) / (nHead / nHeadKv))) * headDim,
    visible: (row: number): number => past + Math.floor(row / nHead) + 1,
    /** The first key that a row sees. */
    begin: (row: number): number => Math.max(0, past + Math.floor(row / nHead) + 1 - (shape.window ?? nKeys)),
  };
}

/** q . k of two rows, in f64. */
export function dot(q: Float32Array, qAt: number, k: Float32Array, kAt: number, n: number): number {
  let sum = 0;
  for (let d = 0; d < n; d++) sum += q[qAt + d]! * k[kAt + d]!;
  return sum;
}
