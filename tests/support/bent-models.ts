import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { openModel } from '../../src/gguf/open-model';
import { ggufBytes, type GgufToWrite, type TensorToWrite, type TypedValue } from '../../src/gguf/writer';
import { modelToWrite, type ModelRecipe } from './gguf-models';

/** What a file says otherwise than the model it is made of. */
export interface Bend {
  readonly recipe?: ModelRecipe;
  /** Keys to set (added or replaced) and, where undefined, to leave out; without `qwen3moe.` where the name has no namespace of its own. */
  readonly keys?: Readonly<Record<string, TypedValue | undefined>>;
  /** Tensors added. */
  readonly more?: readonly TensorToWrite[];
  /** Each tensor as it is written. */
  readonly tensors?: (tensor: TensorToWrite) => readonly TensorToWrite[];
}

/** A small seeded qwen3moe file with one thing bent, in memory. */
export function bentFile({ recipe, keys = {}, more = [], tensors = (t) => [t] }: Bend): GgufToWrite {
  const whole = modelToWrite(recipe);
  const named = new Map(Object.entries(keys).map(([key, value]) => [fullKey(key), value]));
  const kept = [...whole.metadata].filter(([key]) => !named.has(key));
  const set = [...named].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  return { ...whole, metadata: [...kept, ...set], tensors: [...whole.tensors.flatMap(tensors), ...more] };
}

export function openBent(bend: Bend): Promise<ModelFile> {
  return openModel([memorySource(ggufBytes(bentFile(bend)), 'bent.gguf')]);
}

/** A tensor of plain floats. */
export function floats(name: string, dims: readonly number[], value: (i: number) => number): TensorToWrite {
  const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
  return { name, dims, type: 'F32', chunks: () => [new Uint8Array(values.buffer)] };
}

/** The whole data of a tensor. */
export function bytesOf(tensor: TensorToWrite): Uint8Array<ArrayBuffer> {
  const chunks = [...(tensor.chunks?.() ?? [])].map((chunk) => chunk.slice());
  return new Uint8Array(Buffer.concat(chunks));
}

function fullKey(key: string): string {
  return /^(?:general|tokenizer|split|qwen3moe)\./.test(key) ? key : `qwen3moe.${key}`;
}
