import type { WeightRole } from '../../model/stages';
import type { MatmulStrides } from '../matmul/encode-matmul';
import type { BufferRange } from '../recorder';
import type { Stack } from '../weights/resident-weights';
import { denseProduct, stackedProduct } from './products';
import type { StageRun } from './stage-run';

interface Matrix {
  readonly role: WeightRole;
  /** Rows of it: columns of y. */
  readonly rows: number;
}

/**
 * Records the products of q, k and v, side by side in the columns of y. Where weights lie stacked on the GPU, one dispatch computes a stack: k
 * and v alone are too small to fill a GPU.
 */
export async function projectTogether(
  run: StageRun,
  x: BufferRange,
  strides: MatmulStrides,
  matrices: readonly Matrix[],
): Promise<void> {
  const { resident } = run.tools.cache;
  const usual = run.layer === undefined || run.changeLoads !== undefined;
  const stacks = usual ? undefined : resident?.qkv(run.layer);
  let yOffset = 0;
  for (const { stack, members } of pair(stacks ?? [], matrices)) {
    const rows = members.map((matrix) => matrix.rows);
    const at = { ...strides, yOffset };
    const together = stack !== undefined && (await stackedProduct(run, stack, rows, x, at));
    for (const matrix of members) {
      if (!together) await denseProduct(run, matrix.role, x, { ...strides, yOffset });
      yOffset += matrix.rows;
    }
  }
}

/** Which stack holds which matrices; each alone where stacks and matrices do not end together. */
function pair(
  stacks: readonly Stack[],
  matrices: readonly Matrix[],
): readonly { readonly stack: Stack | undefined; readonly members: readonly Matrix[] }[] {
  const rest = [...matrices];
  const pairs = stacks.map((stack) => {
    const members: Matrix[] = [];
    for (let rows = 0; rows < stack.rows && rest.length > 0; rows += members.at(-1)?.rows ?? 0) {
      members.push(...rest.splice(0, 1));
    }
    return { stack, members };
  });
  const exact = pairs.every(({ stack, members }) => members.reduce((sum, { rows }) => sum + rows, 0) === stack.rows);
  if (pairs.length > 0 && exact && rest.length === 0) return pairs;
  return matrices.map((matrix) => ({ stack: undefined, members: [matrix] }));
}
