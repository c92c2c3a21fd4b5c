import type { HParams } from '../../model/hparams';
import type { GpuContext } from '../device';
import type { KernelSpec, KernelVariant } from '../../ops/kernel-spec';
import { attentionScoresVariant } from '../../ops/attention-scores/kernel';
import { AS_THEY_ARE } from '../../ops/normalise/kernel';
import { attentionTiledVariant, KERNEL_TABLE, type KernelName } from '../kernel-table';
import { getPipeline, type Pipeline } from '../pipelines';

/** The compiled kernels of a device. Another file with the same bindings and params may stand in for one. */
export type KernelSet = {
  readonly [K in Exclude<KernelName, 'attentionTiled'>]: Pipeline<AnyFile<(typeof KERNEL_TABLE)[K]>>;
} & {
  /** `renormalise` that leaves the weights as they are. */
  readonly gather: Pipeline<(typeof KERNEL_TABLE)['renormalise']>;
  /** Undefined where it does not take heads of the model's size. */
  readonly attentionTiled: Pipeline<(typeof KERNEL_TABLE)['attentionTiled']> | undefined;
};

type AnyFile<K extends KernelSpec> = Omit<K, 'file'> & Pick<KernelSpec, 'file'>;

/** Compiles every kernel of the table but the products, which are compiled for the types that a model has. @throws TracerError `gpu-shader`. */
export async function compileKernels(context: GpuContext, hparams: HParams): Promise<KernelSet> {
  const get = <K extends KernelName>(
    name: K,
    variant: KernelVariant = KERNEL_TABLE[name].variants[0],
  ): Promise<Pipeline<(typeof KERNEL_TABLE)[K]>> => getPipeline(context, KERNEL_TABLE[name], variant);
  const tiledHeads = attentionTiledVariant(hparams.headDim);
  // All are under way before the first is awaited.
  const pending = {
    add: get('add'),
    attentionTiled: tiledHeads === undefined ? Promise.resolve(undefined) : get('attentionTiled', tiledHeads),
    attnScores: get('attnScores', attentionScoresVariant(hparams.headDim)),
    attnValues: get('attnValues'),
    attnValuesSplit: get('attnValuesSplit'),
    copyRows: get('copyRows'),
    groupSlots: get('groupSlots', { id: `of ${hparams.nExpert}`, constants: { EXPERTS: hparams.nExpert } }),
    renormalise: get('renormalise'),
    gather: get('renormalise', AS_THEY_ARE),
    rmsnorm: get('rmsnorm'),
    rope: get('rope'),
    softmax: get('softmax'),
    swiglu: get('swiglu'),
    topK: get('topK'),
    weightedSum: get('weightedSum'),
  };
  await Promise.all(Object.values(pending));
  return {
    add: await pending.add,
    attentionTiled: await pending.attentionTiled,
    attnScores: await pending.attnScores,
    attnValues: await pending.attnValues,
    attnValuesSplit: await pending.attnValuesSplit,
    copyRows: await pending.copyRows,
    groupSlots: await pending.groupSlots,
    renormalise: await pending.renormalise,
    gather: await pending.gather,
    rmsnorm: await pending.rmsnorm,
    rope: await pending.rope,
    softmax: await pending.softmax,
    swiglu: await pending.swiglu,
    topK: await pending.topK,
    weightedSum: await pending.weightedSum,
  };
}
