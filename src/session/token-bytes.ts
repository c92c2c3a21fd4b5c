import { bindGraph } from '../arch/bind';
import { rowBytes } from '../gguf/ggml-types';
import type { ModelFile } from '../gguf/model-file';
import { graphOf } from '../model/graph-of';
import type { HParams } from '../model/hparams';

/** Bytes of weights that one token needs: every dense matrix, its experts, one row of the embedding. */
export function bytesPerToken(model: ModelFile, hparams: HParams): number {
  const { graph, title } = graphOf(hparams);
  const { weight } = bindGraph(graph, model, title);
  const sections = [graph.embed, ...graph.layers, graph.head];
  const nodes = sections.flatMap((section) => section.nodes);
  return nodes.reduce((bytes, { op, weights }) => {
    const rows = weights.map((slot) => {
      const { tensor, nIn, nOut, nExpert } = weight(slot);
      const read = op === 'rows' ? 1 : nOut * (op === 'expert-linear' ? hparams.nExpertUsed : nExpert);
      return read * rowBytes(tensor.type, nIn);
    });
    return rows.reduce((sum, one) => sum + one, bytes);
  }, 0);
}
