import { fail } from '../base/errors';
import { isQuantType, QUANT_TYPES, type QuantType } from '../gguf/ggml-types';
import type { ModelFile, TensorInfo } from '../gguf/model-file';
import { refuseScaled } from './weight-scale';
import { sectionsOf, sizeOf, weightDims, type ModelGraph, type Sizes, type WeightSlot } from './graph';

/** A tensor whose type the engines can run. */
export interface WeightTensor extends TensorInfo {
  readonly type: QuantType;
}

/** A weight of the graph found in a file: rows of a tensor, of each expert where there are experts. */
export interface BoundWeight {
  readonly slot: WeightSlot;
  readonly tensor: WeightTensor;
  /** Elements of a row. */
  readonly nIn: number;
  /** Rows, of one expert. 1 for a vector. */
  readonly nOut: number;
  /** 1 where there are no experts. */
  readonly nExpert: number;
  /** Row of the tensor where the slot's begin, in each expert's. 0 unless the tensor holds several slots. */
  readonly firstRow: number;
  /** Rows of the tensor from one expert to the next. */
  readonly expertStride: number;
}

/** A graph and the file that holds its weights, each resolved once. */
export interface BoundGraph {
  readonly graph: ModelGraph;
  readonly model: ModelFile;
  /** @throws RangeError for a slot of another graph */
  weight(slot: WeightSlot): BoundWeight;
}

/**
 * Finds every weight of the graph in a file.
 * @throws TracerError `gguf-missing-tensor`, `gguf-tensor-shape`, `gguf-tensor-type`; each names the tensor.
 */
export function bindGraph(graph: ModelGraph, model: ModelFile, title: string): BoundGraph {
  const found = new Map<string, BoundWeight>();
  for (const section of sectionsOf(graph)) {
    for (const slot of section.nodes.flatMap((node) => node.weights)) {
      if (!found.has(slot.name)) found.set(slot.name, bindWeight(slot, graph.sizes, model, title));
    }
  }
  return {
    graph,
    model,
    weight: (slot) => {
      const bound = found.get(slot.name);
      if (bound === undefined) throw new RangeError(`no weight ${slot.name}`);
      return bound;
    },
  };
}

/** Row `row` of expert `expert` in the tensor of a bound weight. */
export function tensorRow(weight: BoundWeight, expert: number, row: number): number {
  return expert * weight.expertStride + weight.firstRow + row;
}

/** Finds one weight. @throws TracerError as {@link bindGraph} */
export function bindWeight(slot: WeightSlot, sizes: Sizes, model: ModelFile, title: string): BoundWeight {
  const dims = weightDims(slot, sizes);
  const [nIn = 0, nOut = 1, nExpert = 1] = dims;
  const { fusedWith, tiedTo } = slot;
  if (!model.tensors.has(slot.name) && fusedWith !== undefined && model.tensors.has(fusedWith.name)) {
    const lengths = fusedWith.parts.map((dim) => sizeOf(sizes, dim));
    const rows = lengths.reduce((a, b) => a + b, 0);
    const tensor = findTensor(fusedWith.name, [nIn, rows, ...dims.slice(2)], model, title);
    const firstRow = lengths.slice(0, fusedWith.part).reduce((a, b) => a + b, 0);
    return { slot, tensor, nIn, nOut, nExpert, firstRow, expertStride: rows };
  }
  const name = tiedTo !== undefined && !model.tensors.has(slot.name) ? tiedTo : slot.name;
  return { slot, tensor: findTensor(name, dims, model, title), nIn, nOut, nExpert, firstRow: 0, expertStride: nOut };
}

function findTensor(name: string, dims: readonly number[], model: ModelFile, title: string): WeightTensor {
  const info = model.tensors.get(name);
  if (info === undefined) {
    throw fail(
      'gguf-missing-tensor',
      `Tensor ${name} is missing from ${model.name}.`,
      `The file is incomplete or is not a ${title} export. Convert or download it again; drop all parts of a split model together.`,
      { tensor: name },
    );
  }
  if (dims.length !== info.dims.length || dims.some((d, i) => d !== info.dims[i])) {
    throw fail(
      'gguf-tensor-shape',
      `Tensor ${name} has shape [${info.dims.join(', ')}]; the metadata asks for [${dims.join(', ')}].`,
      'The metadata and the tensors of this file do not belong together. Convert it again.',
      { tensor: name, expected: dims.join(' x '), actual: info.dims.join(' x ') },
    );
  }
  if (!isQuantType(info.type)) {
    throw fail(
      'gguf-tensor-type',
      `Tensor ${name} has type ${info.type}, which MoEscope cannot run.`,
      `Types that run: ${QUANT_TYPES.join(', ')}. Requantise the model to one of them.`,
      { tensor: name, type: info.type },
    );
  }
  refuseScaled(name, model);
  return { ...info, type: info.type };
}
