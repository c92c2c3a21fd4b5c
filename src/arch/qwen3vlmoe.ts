import type { GgufValue } from '../gguf/model-file';
import { neutral, type OtherKey } from './other-keys';
import { qwen3Experts } from './qwen3moe';

/**
 * Qwen3-VL-MoE, its text: Qwen3-VL-30B-A3B, Qwen3-VL-235B-A22B. llama.cpp: src/models/qwen3vlmoe.cpp. The positions of text are the same on
 * all axes, so that its interleaved rotary embedding is Qwen3-MoE's; what vision adds to the first layers is nothing without pictures.
 */
export const qwen3vlmoe = qwen3Experts({
  name: 'qwen3vlmoe',
  title: 'Qwen3-VL-MoE',
  example: 'Qwen3-VL-30B-A3B',
  otherKeys: [
    sections('rotary sections that leave pairs to an axis that text does not have'),
    neutral('n_deepstack_layers'),
  ],
});

/** The key of interleaved rotary embedding, which changes nothing for text where its sections cover every pair. */
export function sections(what: string): OtherKey {
  return { key: 'rope.dimension_sections', isNeutral: coversPairs, otherwise: 'refused', what };
}

/** ggml's `ggml_mrope_cache_init`, IMRoPE: pair i goes by s = i mod the sum of the sections; what none of three axes takes is the fourth's, 0 for text. */
function coversPairs(value: GgufValue, { nRot = NaN }: Readonly<Record<string, number>>): boolean {
  if (typeof value !== 'object') return false;
  const [time = NaN, height = NaN, width = NaN, rest = 0] = [...value].map(Number);
  const sum = time + height + width + rest;
  const ends = [3 * time, 3 * height, 3 * width];
  return sum > 0 && Array.from({ length: nRot / 2 }, (_, i) => i % sum).every((s) => s < (ends[s % 3] ?? 0));
}
