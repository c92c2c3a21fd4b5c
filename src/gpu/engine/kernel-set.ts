import { sizeOf, type Sizes } from '../../arch/graph';
import type { GpuContext } from '../device';
import type { KernelSpec, KernelVariant } from '../../ops/kernel-spec';
import { attentionScoresVariant } from '../../ops/attention-scores/kernel';
import { AS_THEY_ARE } from '../../ops/normalise/kernel';
import { KERNEL_TABLE, type KernelName } from '../kernel-table';
import { getPipeline, type Pipeline } from '../pipelines';

/** The compiled kernels of a device. Another file with the same bindings and params may stand in for one. */
export type KernelSet = {
  readonly [K in KernelName]: Pipeline<AnyFile<(typeof KERNEL_TABLE)[K]>>;
} & {
  /** `renormalise` that leaves the weights as they are. */
  readonly gather: Pipeline<(typeof KERNEL_TABLE)['renormalise']>;
};

type AnyFile<K extends KernelSpec> = Omit<K, 'file'> & Pick<KernelSpec, 'file'>;

/** Kernels that are made for sizes of the model. */
const FOR_SIZES: Readonly<Partial<Record<KernelName, (sizes: Sizes) => KernelVariant>>> = {
  attnScores: (sizes) => attentionScoresVariant(sizeOf(sizes, 'headDim')),
  groupSlots: (sizes) => {
    // A dense model groups nothing, but the kernel is compiled all the same.
    const experts = Math.max(1, sizeOf(sizes, 'nExpert'));
    return { id: `of ${experts}`, constants: { EXPERTS: experts } };
  },
};

/**
 * Compiles every kernel of the table but the products, which are compiled for the types that a model has.
 * @throws TracerError `gpu-shader`.
 */
export async function compileKernels(context: GpuContext, sizes: Sizes): Promise<KernelSet> {
  const compiled = await Promise.all(
    Object.entries<KernelSpec>(KERNEL_TABLE).map(async ([name, kernel]) => {
      const variant = FOR_SIZES[name as KernelName]?.(sizes) ?? kernel.variants[0];
      return [name, variant && (await getPipeline(context, kernel, variant))];
    }),
  );
  const gather = await getPipeline(context, KERNEL_TABLE.renormalise, AS_THEY_ARE);
  // One entry for each of the table, each of its own kernel.
  return { ...Object.fromEntries(compiled), gather } as KernelSet;
}
