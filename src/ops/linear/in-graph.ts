import {
  dimOf,
  lastDim,
  valuesInPieces,
  type Bounds,
  type ExactContext,
  type ExactOp,
  type ExactOutput,
} from '../exact-op';
import { affine, affineBound } from './affine';
import { matmulBound } from './bound';

/** A dense matrix product. */
export const linearOp: ExactOp<'linear'> = {
  exact: async (at) => withAffine(at, await at.matmul(at.float(0))),
  bound: (at, output) => productBound(at, output),
};

/** A node's products as its weight has them: scaled, and with its bias. @param experts of each row of the output */
export async function withAffine(
  at: ExactContext<'linear' | 'head-linear' | 'expert-linear'>,
  product: ExactOutput,
  experts?: Uint32Array,
): Promise<ExactOutput> {
  const then = await at.affine();
  if (then === undefined) return product;
  const nOut = rowsOf(at);
  const { values } = product;
  const magnitudes = product.magnitudes && new Float64Array(values.length);
  const out = await valuesInPieces(at, values.length, nOut, (from, to) => {
    const some = { values: values.subarray(from, to), magnitudes: product.magnitudes?.subarray(from, to) };
    const part = affine(some, then, nOut, experts?.subarray(from / nOut, to / nOut));
    if (part.magnitudes !== undefined) magnitudes?.set(part.magnitudes, from);
    return part.values;
  });
  return { values: out, magnitudes };
}

/** Largest errors of {@link withAffine}. */
export async function productBound(
  at: ExactContext<'linear' | 'head-linear' | 'expert-linear'>,
  { values, magnitudes }: ExactOutput,
  experts?: Uint32Array,
): Promise<Bounds> {
  // An engine that was not asked for magnitudes promises nothing.
  const sizes = magnitudes ?? new Float64Array(values.length).fill(Infinity);
  const then = await at.affine();
  const n = lastDim(at, 0);
  const nOut = rowsOf(at);
  return valuesInPieces(at, values.length, nOut, (from, to) => {
    const some = { values: values.subarray(from, to), magnitudes: sizes.subarray(from, to) };
    if (then === undefined) return matmulBound(some.values, some.magnitudes, n, at.sumOrder);
    const chosen = experts?.subarray(from / nOut, to / nOut);
    return affineBound(some, then, { n, order: at.sumOrder, nOut, experts: chosen });
  });
}

function rowsOf(at: ExactContext): number {
  return dimOf(at, at.node.weights[0]?.dims[1]);
}
