import { PLAIN_KERNEL, type KernelSpec, type KernelVariant } from '../../ops/kernel-spec';

/** Channels of a head that the kernel takes: it wants them as a constant. */
const HEADS = [32, 64, 128] as const;

const variants = HEADS.map((size): KernelVariant => ({ id: `heads of ${size}`, consts: { HEAD_CHUNKS: size / 32 } }));

export const ATTENTION_TILED = {
  ...PLAIN_KERNEL,
  file: 'fusions/attention_tiled.wgsl',
  variants,
  inputs: ['q', 'keys', 'values'],
  outputs: ['y'],
  params: {
    ...{ rows: 'u32', nHead: 'u32', headsPerKv: 'u32', nKeys: 'u32', firstPosition: 'u32', firstBlock: 'u32' },
    scale: 'f32',
  },
} as const satisfies KernelSpec;

/** The variant for heads of this size; undefined when there is none. */
export function tiledVariant(headDim: number): KernelVariant | undefined {
  return variants[HEADS.findIndex((size) => size === headDim)];
}
