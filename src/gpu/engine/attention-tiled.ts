import type { KERNEL_TABLE } from '../kernel-table';
import type { Pipeline } from '../pipelines';
import { headsOf, splitsValues } from './attention-ops';
import type { Attention } from './section-plan';
import { widthOf } from './sizes';
import { valueAt, type StageRun, type Tools } from './stage-run';

/** Rows of a workgroup of attention_tiled.wgsl, and how often it multiplies along all keys: scores three times, values. */
const TILED_ROWS = 32;
const TILED_PASSES = 4;

/** Whether the attention of a step can be computed without storing scores: the same bits as with them. */
export function fusesAttention(tools: Tools, attentions: Iterable<Attention>, stepTokens: number): boolean {
  if (!tools.fuseAttention || tools.kernels.attentionTiled === undefined) return false;
  for (const { values } of attentions) {
    if (splitsValues(tools, stepTokens, widthOf({ tools, nKeys: 1 }, values.out))) return false;
  }
  return true;
}

/** Scores, softmax and values in one kernel; in as many dispatches as keep each of them short. */
export async function tiledAttention(run: StageRun, { scores, values }: Attention): Promise<void> {
  const { recorder, pacer, kernels } = run.tools;
  const pipeline: Pipeline<(typeof KERNEL_TABLE)['attentionTiled']> | undefined = kernels.attentionTiled;
  const { nHead, headsPerKv, headDim } = headsOf({ ...run, node: scores });
  const { rows, nKeys, firstPosition } = run;
  const [keys] = scores.reads;
  const [kept] = values.reads;
  if (pipeline === undefined || keys === undefined || kept === undefined)
    throw new RangeError(`${values.out.id} cannot be computed without scores`);
  const rowOperations = TILED_PASSES * 2 * nHead * nKeys * headDim;
  const blocks = Math.ceil(rows / TILED_ROWS);
  const most = Math.max(1, Math.floor(pacer.quantum / (rowOperations * TILED_ROWS)));
  for (let firstBlock = 0; firstBlock < blocks; firstBlock += most) {
    const count = Math.min(most, blocks - firstBlock);
    recorder.dispatch(
      pipeline,
      { q: run.input(valueAt(scores, 0).id), keys: run.state(keys), values: run.state(kept), y: run.output },
      { rows, nHead, headsPerKv, nKeys, firstPosition, firstBlock, scale: 1 / scores.attrs.divisor },
      [count, nHead],
    );
    await pacer.spend(rowOperations * TILED_ROWS * count, run.signal);
  }
}
