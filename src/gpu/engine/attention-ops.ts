import { linearGrid } from '../../ops/kernel-grid';
import { NO_WINDOW } from '../../ops/softmax/kernel';
import { axisOf, widthOf } from './sizes';
import { inputAt, stateOf, valueAt, type StageKernel, type StageRun, type Tools } from './stage-run';

const LANES = 64;
/** Channels of a step's attention below which each is shared among lanes: too few lanes to keep a GPU busy. */
const FEW_CHANNELS = 2 ** 16;
/** Channels of a workgroup of attention_values_split.wgsl. */
const SPLIT_CHANNELS = 16;

/**
 * Whether the value sums of a step are shared among lanes. By the step, not by the chunk: the order of sums must not depend on how a step is
 * cut.
 * @param channels of a token: all heads'
 */
export function splitsValues({ context }: Pick<Tools, 'context'>, stepTokens: number, channels: number): boolean {
  return !context.card.isSoftware && stepTokens * channels < FEW_CHANNELS;
}

/** (rows, nHead, headDim) and keys (nKeys, nHeadKv, headDim) -> (rows, nHead, nKeys) */
export const scores: StageKernel<'attention-scores'> = async (run) => {
  const { recorder, kernels, pacer } = run.tools;
  const { nHead, headsPerKv, headDim } = headsOf(run);
  const { nKeys, firstPosition } = run;
  recorder.dispatch(
    kernels.attnScores,
    { q: inputAt(run, 0), keys: stateOf(run), scores: run.output },
    {
      nHead,
      headsPerKv,
      headDim,
      nKeys,
      firstPosition,
      future: run.futureKeys ? nKeys : 0,
      scale: 1 / run.node.attrs.divisor,
    },
    [Math.ceil(nKeys / LANES), run.rows * nHead],
  );
  await pacer.spend(2 * run.rows * nHead * nKeys * headDim, run.signal);
};

/** (rows, nHead, nKeys) and values (nKeys, nHeadKv, headDim) -> (rows, nHead * headDim) */
export const values: StageKernel<'attention-values'> = async (run) => {
  const { recorder, kernels, pacer } = run.tools;
  const { nHead, headsPerKv, headDim } = headsOf(run);
  const { nKeys, firstPosition } = run;
  const channels = widthOf(run, run.node.out);
  const count = run.rows * channels;
  const split = splitsValues(run.tools, run.stepTokens, channels);
  recorder.dispatch(
    split ? kernels.attnValuesSplit : kernels.attnValues,
    { p: inputAt(run, 0), values: stateOf(run), y: run.output },
    { count, nHead, headsPerKv, headDim, nKeys, firstPosition, window: run.node.attrs.window ?? NO_WINDOW },
    linearGrid(count, split ? SPLIT_CHANNELS : LANES),
  );
  await pacer.spend(2 * count * nKeys, run.signal);
};

/** Heads of the first input, (rows, nHead, ...), and of the state, (nKeys, nHeadKv, headDim). */
export function headsOf(run: StageRun<'attention-scores' | 'attention-values'>): {
  readonly nHead: number;
  readonly headsPerKv: number;
  readonly headDim: number;
} {
  const [slot] = run.node.reads;
  const nHead = axisOf(run, valueAt(run.node, 0), 1);
  if (slot === undefined) throw new RangeError(`${run.node.out.id} reads no state`);
  return { nHead, headsPerKv: nHead / axisOf(run, slot.value, 1), headDim: axisOf(run, slot.value, 2) };
}
