import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { ModelFile } from '../../src/gguf/model-file';
import { sectionsOf, type ModelGraph, type Node } from '../../src/arch/graph';
import { isByKey } from '../../src/arch/walk';
import { architectureOf } from '../../src/arch/architectures';
import { swapLeadingAxes } from '../../src/trace/filed-layout';
import { goldenModelPath, loadGolden, type GoldenArray } from '../support/golden';

/** A golden model of an architecture other than the first, with its graph. */
export interface FamilyModel {
  readonly model: ModelFile;
  readonly graph: ModelGraph;
}

const FOLDER = fileURLToPath(new URL('../golden/families/', import.meta.url));

/** Folder names of the golden models. */
export const FAMILIES: readonly string[] = readdirSync(FOLDER).sort();

/** The prompts that a golden model has. */
export function familyPrompts(name: string): readonly string[] {
  return readdirSync(`${FOLDER}${name}`)
    .filter((file) => file.endsWith('.npz'))
    .map((file) => file.replace('.npz', ''));
}

/** Opens `tests/golden/families/<name>`; the caller closes it. */
export async function openFamily(name: string): Promise<FamilyModel> {
  const model = await openModel([await nodeSource(goldenModelPath(`families/${name}`))]);
  const arch = architectureOf(model);
  return { model, graph: arch.graph(arch.readSizes(model)) };
}

/** One stage's exact value, tokens first. */
export interface ExactStage {
  readonly node: Node;
  readonly layer: number | undefined;
  readonly expected: GoldenArray;
}

/**
 * The exact value of every node of the graph, by its ggml name; attention's scores come unscaled (llama.cpp scales inside its softmax).
 * @throws where the golden lacks one: nothing is compared by chance
 */
export function exactStages(name: string, prompt: string, graph: ModelGraph): readonly ExactStage[] {
  const golden = loadGolden(`families/${name}`, prompt);
  // What is by key is left out of some goldens, all of it.
  const hasKeys = golden.arrays.has('kq-0');
  return sectionsOf(graph).flatMap((section) =>
    section.nodes.flatMap((node): readonly ExactStage[] => {
      // llama.cpp scales in place and gives what is not scaled yet no name.
      if (node.ggml === '' || (isByKey(node.out) && !hasKeys)) return [];
      const file = node.ggml === 'inp_embd' ? 'embd' : node.ggml;
      const found = golden.arrays.get(section.layer === undefined ? file : `${file}-${section.layer}`);
      if (found === undefined) throw new Error(`${name} ${prompt} has no ${file} of layer ${String(section.layer)}`);
      return [{ node, layer: section.layer, expected: scaled(node, tokensFirst(node, found)) }];
    }),
  );
}

function tokensFirst(node: Node, found: GoldenArray): GoldenArray {
  const [heads = 0, tokens = 0, keys = 0] = found.shape;
  if (!isByKey(node.out) || found.data instanceof Int32Array) return found;
  return { shape: [tokens, heads, keys], data: swapLeadingAxes(found.data, heads, tokens, keys) };
}

function scaled(node: Node, found: GoldenArray): GoldenArray {
  if (node.op !== 'attention-scores') return found;
  const { divisor } = node.attrs;
  return { ...found, data: Float32Array.from(found.data, (x) => x / divisor) };
}
