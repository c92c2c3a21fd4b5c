import { sizeOf, type Sizes } from '../../arch/graph';
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
  /** Undefined where it does not take heads of the model's size, or is not wanted. */
  readonly attentionTiled: Pipeline<(typeof KERNEL_TABLE)['attentionTiled']> | undefined;
  /** `renormalise` that leaves the weights as they are. */
  readonly gather: Pipeline<(typeof KERNEL_TABLE)['renormalise']>;
};

type AnyFile<K extends KernelSpec> = Omit<K, 'file'> & Pick<KernelSpec, 'file'>;

/** Kernels that are made for sizes of the model; undefined where one does not take them. */
const FOR_SIZES: Readonly<Partial<Record<KernelName, (sizes: Sizes) => KernelVariant | undefined>>> = {
  attentionTiled: (sizes) => attentionTiledVariant(sizeOf(sizes, 'headDim')),
  attnScores: (sizes) => attentionScoresVariant(sizeOf(sizes, 'headDim')),
  groupSlots: (sizes) => {
    const experts = sizeOf(sizes, 'nExpert');
    return { id: `of ${experts}`, constants: { EXPERTS: experts } };
  },
};

/**
 * Compiles every kernel of the table but the products, which are compiled for the types that a model has.
 * @param tiles whether attention_tiled is among them: a software adapter, which does not use it, would spend more on it than on all others
 * @throws TracerError `gpu-shader`.
 */
export async function compileKernels(context: GpuContext, sizes: Sizes, tiles: boolean): Promise<KernelSet> {
  const wanted = Object.entries<KernelSpec>(KERNEL_TABLE).filter(([name]) => tiles || name !== 'attentionTiled');
  const compiled = await Promise.all(
    wanted.map(async ([name, kernel]) => {
      const forSizes = FOR_SIZES[name as KernelName];
      const variant = forSizes === undefined ? kernel.variants[0] : forSizes(sizes);
      return [name, variant && (await getPipeline(context, kernel, variant))];
    }),
  );
  const gather = await getPipeline(context, KERNEL_TABLE.renormalise, AS_THEY_ARE);
  // One entry for each of the table, each of its own kernel.
  return { ...Object.fromEntries(compiled), gather } as KernelSet;
}
