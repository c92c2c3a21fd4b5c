import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseNpy, type Golden, type GoldenArray } from './golden';

/** What is given and what is expected, by ggml name. */
export type GoldenValues = Pick<Golden, 'model' | 'prompt' | 'tokens' | 'positions' | 'arrays'>;

/** A model beside its exact tensors as their makers hand them over: `model.gguf` and `golden-f64/<prompt>/`. */
export interface GoldenFolder {
  readonly name: string;
  readonly path: string;
  readonly prompts: readonly string[];
  load(prompt: string): GoldenValues;
}

/** The models of a folder, by name. */
export function goldenFolders(root: string): readonly GoldenFolder[] {
  const names = readdirSync(root).filter((name) => existsSync(join(root, name, 'golden-f64')));
  return names.sort().map((name) => {
    const folder = join(root, name, 'golden-f64');
    return {
      name,
      path: join(root, name, 'model.gguf'),
      prompts: readdirSync(folder).sort(),
      load: (prompt) => loadFolder(name, prompt, join(folder, prompt)),
    };
  });
}

/** `index.json` has the tokens and which of their rows the arrays hold (all where it says nothing); `<name>-<layer>.npy` the arrays. */
function loadFolder(model: string, prompt: string, folder: string): GoldenValues {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as {
    readonly tokens: readonly number[];
    readonly rows?: readonly [first: number, end: number];
  };
  const [first, end] = index.rows ?? [0, index.tokens.length];
  const files = readdirSync(folder).filter((file) => file.endsWith('.npy'));
  // Copied: Node's buffers share memory, and so do their slices.
  const read = (file: string): GoldenArray => parseNpy(new Uint8Array(readFileSync(join(folder, file))));
  const arrays = new Map(files.map((file) => [file.replace('.npy', ''), read(file)]));
  const positions = Array.from({ length: end - first }, (_, i) => first + i);
  return { model, prompt, tokens: Uint32Array.from(index.tokens), positions, arrays };
}
