import { fail } from '../base/errors';
import type { ModelFile } from '../gguf/model-file';

/**
 * Refuses a weight that has a second level of scales beside it: `blk.3.attn_q.scale`, one float that multiplies the product after the sum (of
 * expert matrices one for each expert). Converted NVFP4 files have them, and llama.cpp applies them to weights of any type; a run without them
 * would agree with itself on another model. `.input_scale` tensors, which llama.cpp does not read either, are fine.
 * @throws TracerError `gguf-tensor-type`
 */
export function refuseScaled(weight: string, model: Pick<ModelFile, 'name' | 'tensors'>): void {
  const scale = weight.replace(/\.weight$/, '.scale');
  if (scale === weight || !model.tensors.has(scale)) return;
  throw fail(
    'gguf-tensor-type',
    `Tensor ${scale} of ${model.name} multiplies the products of ${weight}, which MoEscope does not do yet.`,
    'Use a file without .scale tensors: one that llama-quantize made has none.',
    { tensor: scale, weight },
  );
}
