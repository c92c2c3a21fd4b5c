import { PLAIN_KERNEL, type KernelSpec, type KernelVariant } from '../kernel-spec';

/** How channels are read: one at a time, or four where a head is a multiple of four. */
const VARIANTS = [
  { id: 'ones', includes: { channels: 'lib/channels_1.wgsl' } },
  { id: 'fours', includes: { channels: 'lib/channels_4.wgsl' } },
] as const;

/** q . k / sqrt(headDim) of every query and key that the mask leaves, or of all. */
export const ATTENTION_SCORES = {
  ...PLAIN_KERNEL,
  file: 'ops/attention_scores.wgsl',
  variants: VARIANTS,
  inputs: ['q', 'keys'],
  outputs: ['scores'],
  params: {
    nHead: 'u32',
    headsPerKv: 'u32',
    headDim: 'u32',
    nKeys: 'u32',
    firstPosition: 'u32',
    future: 'u32',
    scale: 'f32',
  },
} as const satisfies KernelSpec;

/** The variant for heads of this size. */
export function attentionScoresVariant(headDim: number): KernelVariant {
  return VARIANTS[headDim % 4 === 0 ? 1 : 0];
}
