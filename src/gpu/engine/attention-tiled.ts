import type { TiledAttention } from '../../fusions/attention-tiled/fusion';
import { ATTENTION_TILED } from '../../fusions/attention-tiled/kernel';
import { getPipeline } from '../pipelines';
import { valueAt, type StageRun } from './stage-run';

/** Rows of a workgroup of attention_tiled.wgsl, and how often it multiplies along all keys: scores three times, values. */
const TILED_ROWS = 32;
const TILED_PASSES = 4;

/** Scores, softmax and values in one kernel; in as many dispatches as keep each of them short. */
export async function tiledAttention(run: StageRun, cover: TiledAttention): Promise<void> {
  const { recorder, pacer, context } = run.tools;
  const { scores, values, variant, nHead, headsPerKv, headDim } = cover;
  const { rows, nKeys, firstPosition } = run;
  const [keys] = scores.reads;
  const [kept] = values.reads;
  if (keys === undefined || kept === undefined) throw new RangeError(`${values.out.id} reads no state`);
  const pipeline = await getPipeline(context, ATTENTION_TILED, variant);
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
