import type { Node, Sizes } from '../arch/graph';
import type { SumOrder } from '../base/f32-error';
import { inPieces, withPauses } from '../base/pieces';
import type { OpName } from '../arch/operations';
import type { Affine } from './linear/affine';
import type { RopeAttrs, RopeFactors, RopeTable } from './rope/exact';

/** What an operation computed exactly. */
export interface ExactOutput {
  /** C order, tokens first. f64, or indices. */
  readonly values: Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  /** A product's sum_j |w_ij x_j|, same layout, where the context asks for it. */
  readonly magnitudes?: Float64Array<ArrayBuffer> | undefined;
  /** Of a norm: the largest sum of squares, which f32 may not hold where it holds the values. */
  readonly largestSum?: number;
}

/** A streamed value, one (token, head) at a time: such values are never whole. A recurrence's state is one head, tokens ascending. */
export interface KeyRows {
  /** Writes the row's first `nKeys` values to `out` at `outAt`; what a mask hides is left alone, zero. @param token row of the step */
  row(token: number, head: number, nKeys: number, out: Float64Array, outAt: number): void;
  /** Gives back the memory. Nothing of it may be used afterwards. */
  release(): void;
}

/** Keys and values of one layer as attention multiplies them: the same bits in plain loops and in SIMD. */
export interface HeadProducts {
  /** out[outAt + k] = q . key_k / divisor for keys 0 .. nKeys - 1. @param channel where the kv head's channels start */
  scores(q: Float64Array, qAt: number, channel: number, nKeys: number, out: Float64Array, outAt: number): void;
  /** out[outAt + d] = sum_k weights[k] * value_k[d], keys ascending. @param channel where the kv head's channels of the first key start */
  values(weights: Float64Array, channel: number, nKeys: number, out: Float64Array, outAt: number): void;
  release(): void;
}

/** What an engine gives an operation: a node, its inputs and its weights. */
export interface ExactContext<N extends OpName = OpName> {
  readonly node: Node<N>;
  readonly sizes: Sizes;
  /** Tokens that are computed; inputs have as many rows. */
  readonly rows: number;
  /** Position of the first token of the step. */
  readonly nPast: number;
  /** Positions so far, the step's own among them. */
  readonly nKeys: number;
  /** Rows of which the caller wants values or bounds; others may be left 0 in bounds. */
  readonly wanted: readonly number[];
  /** How the engine that bounds are for adds up products. */
  readonly sumOrder: SumOrder;
  /** How often that engine's attention may scale its sums anew over so many keys; 0 where it finds the largest score first. */
  rescales(nKeys: number): number;
  /** Whether products also give {@link ExactOutput.magnitudes}. */
  readonly magnitudes: boolean;
  /** Ids of the tokens that are computed. */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Position of a row. */
  positionOf(row: number): number;
  /** An input's rows as they are held. */
  float(input: number): Float64Array<ArrayBuffer>;
  indices(input: number): Uint32Array<ArrayBuffer>;
  /** A streamed input. */
  keyRows(input: number): Promise<KeyRows>;
  /** A state that the node reads: (nKeys, ...). */
  state(read: number): Float64Array;
  /** A state's row of `back` positions before a row; undefined before the first token. */
  earlier(read: number, row: number, back: number): Float64Array | undefined;
  /** Whether inputs and state are captures, each row's its own; else they are what this run computes from row to row. */
  readonly fed: boolean;
  /** Of a recurrence: what the next step goes on from. */
  leave(read: number, state: Float64Array): void;
  /** Products with the keys or the values in a state; the divisor is the one of `scores`. */
  headProducts(
    kv: Float64Array,
    use: 'keys' | 'values',
    head: { readonly kvDim: number; readonly headDim: number; readonly divisor: number },
  ): HeadProducts;
  /** Rotary angles of each row. */
  angles(attrs: RopeAttrs, factors?: RopeFactors): readonly RopeTable[];
  /** The node's weight as a vector, dequantised. */
  vector(): Promise<Float32Array<ArrayBuffer>>;
  /** Rows of the node's weight, dequantised: (ids, nIn). */
  tableRows(ids: Uint32Array): Promise<Float64Array<ArrayBuffer>>;
  /** The node's matrix times x: (rows, nOut). */
  matmul(x: Float64Array<ArrayBuffer>): Promise<ExactOutput>;
  /** The chosen experts' matrices times x, (rows, nIn) or with `perSlot` (rows, nExpertUsed, nIn): (rows, nExpertUsed, nOut). */
  expertMatmul(x: Float64Array<ArrayBuffer>, perSlot: boolean, experts: Uint32Array): Promise<ExactOutput>;
  /** What follows the node's product, where the file has it beside the weight. */
  affine(): Promise<Affine | undefined>;
  /** Keeps a long computation interruptible: await `breathe()` whenever `due()`. */
  readonly pause: { due(): boolean; yieldToEventLoop(): Promise<void> };
}

export type Bounds = Float64Array<ArrayBuffer>;

/** An operation in f64: the truth, and the largest error that an honest f32 kernel may have. */
export interface ExactOp<N extends OpName = OpName> {
  /** Values of all tokens. Absent where the operation only makes streamed values. */
  readonly exact?: (at: ExactContext<N>) => ExactOutput | Promise<ExactOutput>;
  /** Its values where they are streamed. */
  readonly keyRows?: (at: ExactContext<N>) => KeyRows | Promise<KeyRows>;
  /**
   * Bounds laid out as the output, from the same context; undefined where none exists. Streamed values come with the rows of `wanted` alone,
   * and so do their bounds.
   */
  readonly bound: (at: ExactContext<N>, output: ExactOutput) => Bounds | undefined | Promise<Bounds | undefined>;
}

/** The output's values where they are no indices. */
export function floatsOf(output: ExactOutput): Float64Array<ArrayBuffer> {
  return output.values instanceof Float64Array ? output.values : Float64Array.from(output.values);
}

/** Calls `part` for ranges of whole rows of `width` values until `length` is reached, interruptible between them. */
export function eachPiece(
  { pause }: Pick<ExactContext, 'pause'>,
  length: number,
  width: number,
  part: (from: number, to: number) => void,
): Promise<void> {
  return withPauses(inPieces(length, width, part), pause);
}

/** `length` values of which `part` gives those of some rows: as many products, exponentials and bounds as a long prompt has take seconds. */
export async function valuesInPieces(
  at: Pick<ExactContext, 'pause'>,
  length: number,
  width: number,
  part: (from: number, to: number) => Float64Array,
): Promise<Float64Array<ArrayBuffer>> {
  const out = new Float64Array(length);
  await eachPiece(at, length, width, (from, to) => {
    out.set(part(from, to), from);
  });
  return out;
}

/** Length of a named size. @throws RangeError where the model has none */
export function dimOf(at: Pick<ExactContext, 'sizes'>, dim: string | undefined): number {
  const length = dim === undefined ? undefined : at.sizes[dim];
  if (length === undefined) throw new RangeError(`no size ${dim}`);
  return length;
}

/** Elements of a row of the last axis. */
export function lastDim(at: ExactContext, input: number): number {
  return dimOf(at, at.node.inputs[input]?.axes.at(-1));
}
