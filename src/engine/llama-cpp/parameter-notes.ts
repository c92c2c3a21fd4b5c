import { stageNode } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import type { GraphParameter } from './frames';
import { attentionScale } from './tap-of-frame';

/** `GGML_ROPE_TYPE_NORMAL`, `GGML_ROPE_TYPE_NEOX` */
const NORM = 0;
const NEOX = 2;

/**
 * Parameters of llama.cpp's graph that are not the file's, a sentence each. Nothing is measured here: both sides say what they use, and the
 * comparison is exact.
 */
export function parameterNotes(parameters: readonly GraphParameter[], hparams: HParams): readonly string[] {
  const node = stageNode(hparams, 'q_post_rope');
  const rope = node?.op === 'rope' ? node.attrs : undefined;
  const expected: Readonly<Record<GraphParameter['name'], { readonly value: number; readonly title: string }>> = {
    eps: { value: Math.fround(hparams.rmsEps), title: 'RMSNorm eps' },
    ropeDims: { value: rope?.dims ?? hparams.headDim, title: 'rotated dimensions' },
    ropeMode: { value: rope?.pairing === 'norm' ? NORM : NEOX, title: 'RoPE mode' },
    ropeBase: { value: Math.fround(hparams.ropeTheta), title: 'RoPE base' },
    ropeScale: { value: Math.fround(1 / (rope?.scaling?.factor ?? 1)), title: 'RoPE frequency scale' },
    attentionScale: { value: attentionScale(hparams), title: 'attention scale' },
  };
  return parameters.flatMap(({ name, value, node }) => {
    const { value: wanted, title } = expected[name];
    return value === wanted ? [] : [`llama.cpp's ${title} is ${value} in ${node}; the file says ${wanted}`];
  });
}
