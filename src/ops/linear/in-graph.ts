import { dimOf, lastDim, type Bounds, type ExactContext, type ExactOp, type ExactOutput } from '../exact-op';
import { affine, affineBound } from './affine';
import { matmulBound } from './bound';

/** A dense matrix product. */
export const linearOp: ExactOp<'linear'> = {
  exact: async (at) => withAffine(at, await at.matmul(at.float(0))),
  bound: (at, output) => productBound(at, output),
};

/** A node's products as its weight has them: scaled, and with its bias. @param experts of each row of the output */
export async function withAffine(
  at: ExactContext<'linear' | 'expert-linear'>,
  product: ExactOutput,
  experts?: Uint32Array,
): Promise<ExactOutput> {
  const then = await at.affine();
  return then === undefined ? product : affine(product, then, rowsOf(at), experts);
}

/** Largest errors of {@link withAffine}. */
export async function productBound(
  at: ExactContext<'linear' | 'expert-linear'>,
  { values, magnitudes }: ExactOutput,
  experts?: Uint32Array,
): Promise<Bounds> {
  // An engine that was not asked for magnitudes promises nothing.
  const sizes = magnitudes ?? new Float64Array(values.length).fill(Infinity);
  const then = await at.affine();
  const n = lastDim(at, 0);
  if (then === undefined) return matmulBound(values, sizes, n, at.sumOrder);
  return affineBound({ values, magnitudes: sizes }, then, { n, order: at.sumOrder, nOut: rowsOf(at), experts });
}

function rowsOf(at: ExactContext): number {
  return dimOf(at, at.node.weights[0]?.dims[1]);
}
