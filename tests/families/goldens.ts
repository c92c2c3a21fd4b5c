import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { nodeSource } from '../../src/gguf/node-source';
import { openModel } from '../../src/gguf/open-model';
import type { ModelFile } from '../../src/gguf/model-file';
import type { ModelGraph } from '../../src/arch/graph';
import { architectureOf } from '../../src/arch/architectures';
import { goldenModelPath } from '../support/golden';

/** A golden model with its graph. */
export interface FamilyModel {
  readonly model: ModelFile;
  readonly graph: ModelGraph;
}

const FOLDER = fileURLToPath(new URL('../golden/families/', import.meta.url));

/** Folder names of the golden models of architectures other than the first, and of the first with more than the usual. */
export const FAMILIES: readonly string[] = readdirSync(FOLDER).sort();

/** The prompts that a golden model has. */
export function familyPrompts(name: string): readonly string[] {
  return readdirSync(`${FOLDER}${name}`)
    .filter((file) => file.endsWith('.npz'))
    .map((file) => file.replace('.npz', ''))
    .sort();
}

/** Opens `tests/golden/families/<name>`; the caller closes it. */
export function openFamily(name: string): Promise<FamilyModel> {
  return openWithGraph(goldenModelPath(`families/${name}`));
}

/** Opens a model's file; the caller closes it. */
export async function openWithGraph(path: string): Promise<FamilyModel> {
  const model = await openModel([await nodeSource(path)]);
  const arch = architectureOf(model);
  return { model, graph: arch.graph(arch.readSizes(model)) };
}
