import { additions, gamma, PRODUCT_ROUNDINGS, type SumOrder } from '../../base/f32-error';
import { againstCapture, FLUSH } from '../rounding';

/** Floats by expert: expert e has those from `first + e * stride` on. */
export interface FloatsByExpert {
  readonly values: ArrayLike<number>;
  readonly first: number;
  readonly stride: number;
}

/** What follows a product: y = (W x) * scale + bias, each where a file has it. ggml: `build_lora_mm(w, x, w_s)`, then the bias. */
export interface Affine {
  /** One float. */
  readonly scale?: FloatsByExpert | undefined;
  /** nOut floats. */
  readonly bias?: FloatsByExpert | undefined;
}

/** What a product gives: an operation's output. */
interface Product {
  readonly values: Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;
  readonly magnitudes?: Float64Array<ArrayBuffer> | undefined;
}

interface ProductShape {
  /** Length of a row of the matrix. */
  readonly n: number;
  readonly order?: SumOrder | undefined;
  readonly nOut: number;
  /** Of each row of the output; undefined where there is one matrix. */
  readonly experts?: Uint32Array | undefined;
}

/** Roundings behind the product: one by the scale, one by the bias. */
const AFFINE_ROUNDINGS = 2;

/**
 * Scales products and adds to them, in f64; magnitudes become |scale| sum |w x| + |bias|, what the longer sum passes through.
 * @param product (rows, nOut) @param experts of each row; undefined where there is one matrix
 */
export function affine(
  { values, magnitudes }: Product,
  { scale, bias }: Affine,
  nOut: number,
  experts?: Uint32Array,
): Product & { readonly values: Float64Array<ArrayBuffer> } {
  const out = new Float64Array(values.length);
  const sizes = magnitudes === undefined ? undefined : new Float64Array(values.length);
  for (let at = 0; at < out.length; at++) {
    const expert = experts?.[Math.floor(at / nOut)] ?? 0;
    const s = scaleOf(scale, expert);
    const b = bias === undefined ? 0 : bias.values[bias.first + expert * bias.stride + (at % nOut)]!;
    out[at] = bias === undefined ? values[at]! * s : values[at]! * s + b;
    if (sizes !== undefined && magnitudes !== undefined) sizes[at] = magnitudes[at]! * Math.abs(s) + Math.abs(b);
  }
  return { values: out, magnitudes: sizes };
}

/**
 * Largest error of {@link affine} behind an honest product: gamma_{a+8} of its magnitudes, a the additions that a term of the product can pass
 * through, and flushes as far as the scale carries them.
 * @param output of {@link affine}, with magnitudes @param product `n`: its row length
 */
export function affineBound(
  { values, magnitudes }: Product,
  { scale }: Affine,
  { n, order = 'any', nOut, experts }: ProductShape,
): Float64Array<ArrayBuffer> {
  const factor = gamma(additions(n, order) + PRODUCT_ROUNDINGS + AFFINE_ROUNDINGS);
  const out = new Float64Array(values.length);
  for (let at = 0; at < out.length; at++) {
    const s = Math.abs(scaleOf(scale, experts?.[Math.floor(at / nOut)] ?? 0));
    // Of the product 2 (n + 6), scaled; of its own two operations at most 6.
    const flushes = (2 * (n + PRODUCT_ROUNDINGS) + 6) * FLUSH * Math.max(1, s);
    out[at] = againstCapture(factor * (magnitudes?.[at] ?? Infinity) + flushes, values[at]!);
  }
  return out;
}

function scaleOf(scale: FloatsByExpert | undefined, expert: number): number {
  return scale === undefined ? 1 : scale.values[scale.first + expert * scale.stride]!;
}
