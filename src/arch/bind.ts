import { fail } from '../base/errors';
import { foreignTypeNamed } from '../gguf/foreign-types';
import { isQuantType, QUANT_TYPES } from '../gguf/ggml-types';
import type { ModelFile } from '../gguf/model-file';
import { stackedExperts } from '../gguf/stacked-experts';
import type { WeightTensor } from '../gguf/tensor-rows';
import { sectionsOf, sizeOf, weightDims, type ModelGraph, type Sizes, type WeightSlot } from './graph';

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
  /** What multiplies its products, and then what is added to them, where the file has it. */
  readonly scale?: BoundFloats;
  readonly bias?: BoundFloats;
}

/** Floats of a tensor beside a weight. Expert e has those from `first + e * stride` on: one to scale with, nOut to add. */
export interface BoundFloats {
  /** The whole tensor as one row. */
  readonly vector: BoundWeight;
  readonly first: number;
  readonly stride: number;
}

/** A graph and the file that holds its weights, each resolved once. */
export interface BoundGraph {
  readonly graph: ModelGraph;
  readonly model: ModelFile;
  /** @throws RangeError for a slot of another graph */
  weight(slot: WeightSlot): BoundWeight;
  /** Every weight of the graph, in forward order. */
  readonly weights: readonly BoundWeight[];
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
    weights: [...found.values()],
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

/** The tensors that a weight is made of: its own first. */
export function tensorsOf({ tensor, scale, bias }: BoundWeight): readonly WeightTensor[] {
  return [tensor, ...[scale, bias].flatMap((floats) => floats?.vector.tensor ?? [])];
}

/** Whether a weight is all that its tensor holds, and nothing beside it changes its products: what kernels of several operations count on. */
export function isPlain({ firstRow, expertStride, nOut, scale, bias }: BoundWeight): boolean {
  return firstRow === 0 && expertStride === nOut && scale === undefined && bias === undefined;
}

/** Finds one weight. @throws TracerError as {@link bindGraph} */
export function bindWeight(slot: WeightSlot, sizes: Sizes, model: ModelFile, title: string): BoundWeight {
  const dims = weightDims(slot, sizes);
  const [nIn = 0, nOut = 1, nExpert = 1] = dims;
  const { fusedWith, tiedTo } = slot;
  const own = { slot, nIn, nOut, nExpert };
  if (!model.tensors.has(slot.name) && fusedWith !== undefined && model.tensors.has(fusedWith.name)) {
    const lengths = fusedWith.parts.map((dim) => sizeOf(sizes, dim));
    const rows = lengths.reduce((a, b) => a + b, 0);
    const tensor = findTensor(fusedWith.name, [nIn, rows, ...dims.slice(2)], model, title);
    const firstRow = lengths.slice(0, fusedWith.part).reduce((a, b) => a + b, 0);
    const weight = { ...own, tensor, firstRow, expertStride: rows };
    return { ...weight, ...besides(weight, fusedWith.name, model, title) };
  }
  if (slot.flat === true) return flatWeight(slot, dims, model, title);
  const name = tiedTo !== undefined && !model.tensors.has(slot.name) ? tiedTo : slot.name;
  const weight = { ...own, tensor: findTensor(name, dims, model, title), firstRow: 0, expertStride: nOut };
  return { ...weight, ...besides(weight, slot.name, model, title) };
}

/** A table of floats as one row. */
function flatWeight(slot: WeightSlot, dims: readonly number[], model: ModelFile, title: string): BoundWeight {
  return { ...findFloats(slot.name, dims, model, title), slot };
}

/** What the file holds beside a weight. @param name GGUF name of the tensor that it stands beside */
function besides(
  { slot, nExpert, firstRow, expertStride }: BoundWeight,
  name: string,
  model: ModelFile,
  title: string,
): Pick<BoundWeight, 'scale' | 'bias'> {
  const beside = (ending: string): string => name.replace(/weight$/, ending);
  const byExpert = slot.dims.length > 2;
  const scale =
    slot.scaled === true && model.tensors.has(beside('scale'))
      ? { vector: findFloats(beside('scale'), [nExpert], model, title), first: 0, stride: 1 }
      : undefined;
  const isBiased = slot.bias === 'required' || (slot.bias === 'optional' && model.tensors.has(beside('bias')));
  const bias = isBiased
    ? {
        vector: findFloats(beside('bias'), byExpert ? [expertStride, nExpert] : [expertStride], model, title),
        first: firstRow,
        stride: expertStride,
      }
    : undefined;
  return { ...(scale === undefined ? {} : { scale }), ...(bias === undefined ? {} : { bias }) };
}

/** A tensor of plain floats as one row. */
function findFloats(name: string, dims: readonly number[], model: ModelFile, title: string): BoundWeight {
  const found = findTensor(name, dims, model, title);
  if (found.type !== 'F32' && found.type !== 'F16' && found.type !== 'BF16') {
    throw fail(
      'gguf-tensor-type',
      `Tensor ${name} has type ${found.type}; what stands beside a weight is F32, F16 or BF16.`,
      'Convert the model again.',
      { tensor: name, type: found.type },
    );
  }
  const slot: WeightSlot = { role: name, name, dims: [] };
  const tensor = { ...found, dims: [found.elements] };
  return { slot, tensor, nIn: found.elements, nOut: 1, nExpert: 1, firstRow: 0, expertStride: 1 };
}

/** A tensor with the dimensions that are asked for: axes of 1 behind them are left out. */
function findTensor(name: string, dims: readonly number[], model: ModelFile, title: string): WeightTensor {
  const info = model.tensors.get(name) ?? stackedExperts(name, model.tensors);
  if (info === undefined) {
    throw fail(
      'gguf-missing-tensor',
      `Tensor ${name} is missing from ${model.name}.`,
      `The file is incomplete or is not a ${title} export. Convert or download it again; drop all parts of a split model together.`,
      { tensor: name },
    );
  }
  if (trimmed(dims).join() !== trimmed(info.dims).join()) {
    throw fail(
      'gguf-tensor-shape',
      `Tensor ${name} has shape [${info.dims.join(', ')}]; the metadata asks for [${dims.join(', ')}].`,
      'The metadata and the tensors of this file do not belong together. Convert it again.',
      { tensor: name, expected: dims.join(' x '), actual: info.dims.join(' x ') },
    );
  }
  const foreign = foreignTypeNamed(info.type);
  if (foreign !== undefined) {
    throw fail(
      'gguf-tensor-type',
      `Tensor ${name} has type ${foreign.name} (number ${foreign.id}), a type ${foreign.of}.`,
      `Types that run: ${QUANT_TYPES.join(', ')}. Get the model in one of them.`,
      { tensor: name, type: foreign.name, number: foreign.id },
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
  return { ...info, type: info.type, dims };
}

/** ggml's axes beyond the first count as 1 where they are not written. */
function trimmed(dims: readonly number[]): readonly number[] {
  let length = dims.length;
  while (length > 1 && dims[length - 1] === 1) length--;
  return dims.slice(0, length);
}
