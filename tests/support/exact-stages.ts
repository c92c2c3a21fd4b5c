import { sectionsOf, type ModelGraph, type Node } from '../../src/arch/graph';
import { isByKey } from '../../src/arch/walk';
import { swapLeadingAxes } from '../../src/trace/filed-layout';
import type { Golden, GoldenArray } from './golden';

/** One stage's exact value, tokens first. */
export interface ExactStage {
  readonly node: Node;
  readonly layer: number | undefined;
  readonly expected: GoldenArray;
}

/** Arrays by ggml name, `<name>-<layer>`, and whose they are. */
export type GoldenArrays = Pick<Golden, 'model' | 'prompt' | 'arrays'>;

/** Goldens of long prompts hold the stages that tell most, and those in all layers. */
const HOLDS_SOME = /^p300/;

/**
 * The exact value of every node of the graph, by its ggml name; attention's scores come unscaled (llama.cpp scales inside its softmax).
 * @throws where the golden lacks one: nothing is compared by chance
 */
export function exactStages({ model, prompt, arrays }: GoldenArrays, graph: ModelGraph): readonly ExactStage[] {
  const stems = new Set([...arrays.keys()].map((key) => key.replace(/-\d+$/, '')));
  return sectionsOf(graph).flatMap((section) =>
    section.nodes.flatMap((node): readonly ExactStage[] => {
      // llama.cpp scales in place and gives what is not scaled yet no name. What is by key is left out of some goldens, in all layers.
      const file = node.ggml === 'inp_embd' ? 'embd' : node.ggml;
      if (file === '' || ((isByKey(node.out) || HOLDS_SOME.test(prompt)) && !stems.has(file))) return [];
      const found = arrays.get(section.layer === undefined ? file : `${file}-${section.layer}`);
      if (found === undefined) throw new Error(`${model} ${prompt} has no ${file} of layer ${String(section.layer)}`);
      return [{ node, layer: section.layer, expected: scaled(node, tokensFirst(node, found)) }];
    }),
  );
}

/** The rows of a capture that a golden has: all of them, or of a recurrence's state the last. */
export function heldRows(data: ArrayLike<number>, { node, expected }: ExactStage): ArrayLike<number> {
  return node.out.recurrent === true ? Array.from(data).slice(-expected.data.length) : data;
}

/** Beside what has a row for each key, ggml has these with the heads first. */
const HEADS_FIRST = ['kqv'];

function tokensFirst(node: Node, found: GoldenArray): GoldenArray {
  // ggml has no more of a recurrence's state than the one behind the last token.
  if (node.out.recurrent === true) return { ...found, shape: [1, ...found.shape] };
  const [heads = 0, tokens = 0, keys = 0] = found.shape;
  if (!(isByKey(node.out) || HEADS_FIRST.includes(node.ggml)) || found.data instanceof Int32Array) return found;
  return { shape: [tokens, heads, keys], data: swapLeadingAxes(found.data, heads, tokens, keys) };
}

function scaled(node: Node, found: GoldenArray): GoldenArray {
  if (node.op !== 'attention-scores') return found;
  const { divisor } = node.attrs;
  return { ...found, data: Float32Array.from(found.data, (x) => x / divisor) };
}
