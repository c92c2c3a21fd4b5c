import type { WeightRole } from '../../model/stages';
import type { Stack } from '../weights/resident-weights';
import { PROJECTIONS, type Projection } from './projections';
import { denseProduct, stackedProduct } from './products';
import type { StageRun } from './stage-run';

const ROLES = { q_proj: 'attn_q', k_proj: 'attn_k', v_proj: 'attn_v' } as const satisfies Record<
  Projection,
  WeightRole
>;

/**
 * Records a projection of `attn_norm`. Where weights lie stacked on the GPU and the run has room for it (`together`), one dispatch computes
 * all of a stack, since k and v alone are too small to fill a GPU: what it made lies in `together`, and nothing is done when their turn comes.
 */
export async function project(run: StageRun, stage: Projection): Promise<void> {
  const { together } = run;
  if (together?.columns.has(stage) === true) return;
  const { nEmbd } = run.tools.hparams;
  const x = run.input('attn_norm');
  const stacked = together === undefined || run.changeLoads !== undefined ? undefined : stackFrom(run, stage);
  if (together !== undefined && stacked !== undefined) {
    const { stack, members } = stacked;
    const first = PROJECTIONS.slice(0, PROJECTIONS.indexOf(stage)).reduce((sum, id) => sum + widthOf(run, id), 0);
    const rows = members.map((id) => widthOf(run, id));
    const strides = { xStride: nEmbd, yStride: joinedWidth(run), yOffset: first };
    if (await stackedProduct({ ...run, output: together.joined }, stack, rows, x, strides)) {
      let column = first;
      for (const id of members) {
        together.columns.set(id, column);
        column += widthOf(run, id);
      }
      return;
    }
  }
  const width = widthOf(run, stage);
  await denseProduct(run, ROLES[stage], x, { xStride: nEmbd, yStride: width, yOffset: run.outputRow * width });
}

/** Columns of {@link Together.joined}. */
export function joinedWidth(run: Pick<StageRun, 'tools'>): number {
  return PROJECTIONS.reduce((sum, id) => sum + widthOf(run, id), 0);
}

function widthOf({ tools }: Pick<StageRun, 'tools'>, stage: Projection): number {
  return stage === 'q_proj' ? tools.hparams.qDim : tools.hparams.kvDim;
}

/** The stack of several projections that begins with this one. */
function stackFrom(
  run: StageRun,
  stage: Projection,
): { readonly stack: Stack; readonly members: readonly Projection[] } | undefined {
  const stacks = run.layer === undefined ? undefined : run.tools.cache.resident?.qkv(run.layer);
  let at = 0;
  for (const stack of stacks ?? []) {
    const members: Projection[] = [];
    for (let rows = 0; rows < stack.rows;) {
      const id = PROJECTIONS[at + members.length];
      if (id === undefined) return undefined;
      rows += widthOf(run, id);
      // A stack that ends within a projection.
      if (rows > stack.rows) return undefined;
      members.push(id);
    }
    if (members[0] === stage) return members.length > 1 ? { stack, members } : undefined;
    at += members.length;
  }
  return undefined;
}
