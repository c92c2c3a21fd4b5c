import type { Architecture, CommonSizes } from '../../src/arch/define-arch';
import { llama } from '../../src/arch/llama';
import { qwen3 } from '../../src/arch/qwen3';
import { sectionsOf, weightDims, type Sizes, type WeightSlot } from '../../src/arch/graph';
import { withDefaults } from '../../src/arch/keys';
import { seededRandom } from '../../src/base/random';
import { memorySource } from '../../src/gguf/memory-source';
import type { ModelFile } from '../../src/gguf/model-file';
import { openModel } from '../../src/gguf/open-model';
import { keyValue } from '../../src/synthetic/metadata';
import { ggufBytes, type TensorToWrite, type TypedValue } from '../../src/gguf/writer';

/** A seeded model of an architecture in memory, all in F32. @param given sizes by name, as its keys call them, and nVocab */
export async function archModel(arch: Architecture, given: Sizes): Promise<ModelFile> {
  const graph = arch.graph(sizesOf(arch, given));
  const random = seededRandom(7);
  const tensors = new Map<string, TensorToWrite>();
  const add = (name: string, dims: readonly number[], value: () => number): void => {
    if (tensors.has(name)) return;
    const values = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, value);
    tensors.set(name, { name, dims, type: 'F32', chunks: () => [new Uint8Array(values.buffer)] });
  };
  for (const slot of sectionsOf(graph).flatMap(({ nodes }) => nodes.flatMap(({ weights }) => weights))) {
    const dims = weightDims(slot, graph.sizes);
    const [nIn = 1, ...rows] = dims;
    add(slot.name, dims, () => (isGain(slot) ? 1 + 0.2 * random.normal() : random.normal() / Math.sqrt(nIn)));
    if (slot.bias === 'required') add(slot.name.replace(/weight$/, 'bias'), rows, () => 0.3 * random.normal());
  }
  const metadata = Object.entries(arch.keys).flatMap(([name, spec]): (readonly [string, TypedValue])[] => {
    const value = given[name];
    return value === undefined || spec.kind === 'tensor' ? [] : [[`${arch.name}.${spec.key}`, keyValue(spec, value)]];
  });
  const named = ['general.architecture', { type: 'string', value: arch.name }] as const;
  return openModel([
    memorySource(ggufBytes({ metadata: [named, ...metadata], tensors: [...tensors.values()] }), 'a.gguf'),
  ]);
}

function sizesOf(arch: Architecture, given: Sizes): CommonSizes & Sizes {
  return arch.sizes(withDefaults(arch.keys, given), (message) => {
    throw new Error(message);
  });
}

/** Norms multiply and factors divide: they are about 1. */
function isGain({ role }: WeightSlot): boolean {
  return role.endsWith('norm') || role === 'rope_freqs';
}

const SMALL_HEADS: Sizes = { nEmbd: 48, nHead: 6, nHeadKv: 2, headDim: 20, nLayer: 3, nFf: 56, nVocab: 512 };

/** Models of architectures that no golden is there for, by the names of their sizes. */
export const MADE: Readonly<Record<string, { readonly arch: Architecture; readonly sizes: Sizes }>> = {
  qwen3: {
    arch: qwen3,
    sizes: {
      ...{ ...SMALL_HEADS, rmsEps: 1e-6, ropeTheta: 5000, nCtxTrain: 4096 },
      ...{ ropeScaling: 2, ropeFactor: 8, ropeContext: 64 },
    },
  },
  llama: { arch: llama, sizes: { ...SMALL_HEADS, rmsEps: 1e-6, ropeTheta: 5000, nCtxTrain: 4096, hasRopeFactors: 1 } },
};
