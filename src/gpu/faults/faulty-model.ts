import type { QuantType } from '../../gguf/ggml-types';
import type { BoundWeight } from '../../arch/bind';
import type { ModelFile, TensorInfo } from '../../gguf/model-file';
import { outlineOf } from '../../gguf/model-over';
import type { Fault } from '../../model/faults';
import { faultTensors } from '../../model/faults';
import type { HParams } from '../../model/hparams';
import { boundWeight } from '../../model/bound-weights';
import { weightName } from '../../model/weights';
import { mistakenType, nonFiniteScale, patched, scaleBitFlip, weightBitFlip, type BytePatch } from './weight-bits';

/** Bit 9 of an f16 is its highest mantissa bit: the scale changes by a quarter to a half. */
const HIGHEST_MANTISSA_BIT = 9;

/**
 * The model as an engine with these faults sees it: tensors of another type, bytes that differ from the file's. What is not struck is the
 * model's own. The file, and other users of the model, never see a change.
 */
export function faultyModel(model: ModelFile, hparams: HParams, faults: readonly Fault[]): ModelFile {
  const tensors = new Map<string, TensorInfo>(model.tensors);
  const patches: RowPatch[] = [];
  for (const fault of faults) {
    for (const role of faultTensors(fault)) {
      const weight = boundWeight(model, hparams, role, fault.layer);
      const { tensor } = weight;
      if (fault.kind === 'qtype-blind') tensors.set(tensor.name, { ...tensor, type: mistakenType(tensor.type) });
      const bytes = patchOf(fault, tensor.type);
      if (bytes !== undefined) patches.push(new RowPatch(weight, bytes, fault.expert));
    }
  }
  const retyped = new Set(faults.flatMap((fault) => (fault.kind === 'qtype-blind' ? namesOf(fault, hparams) : [])));
  return {
    // A spread of the model itself would freeze its getters.
    ...outlineOf(model),
    metadata: model.metadata,
    tensors,
    get bytesRead() {
      return model.bytesRead;
    },
    async readTensor(tensor, offset, length, signal) {
      const own = model.tensors.get(tensor.name) ?? tensor;
      const read = retyped.has(tensor.name)
        ? await readPadded(model, own, offset, length, signal)
        : await model.readTensor(own, offset, length, signal);
      const due = patches.filter((patch) => patch.tensor === tensor.name);
      return due.reduce((bytes, patch) => patch.apply(bytes, offset), read);
    },
    close: () => model.close(),
  };
}

function patchOf(fault: Fault, type: QuantType): readonly BytePatch[] | undefined {
  switch (fault.kind) {
    case 'nan':
    case 'inf':
      return nonFiniteScale(type, fault.kind);
    case 'bitflip':
      return weightBitFlip(type);
    case 'scale-bitflip':
      return scaleBitFlip(type, fault.bit ?? HIGHEST_MANTISSA_BIT);
    default:
      return undefined;
  }
}

/** Bytes of the first row of one matrix that change. Without an expert, the expert whose bytes are asked for first is the one. */
class RowPatch {
  readonly tensor: string;
  readonly #bytes: readonly BytePatch[];
  readonly #matrixBytes: number;
  /** Where its first row begins in each matrix: behind those of the weights that the tensor holds with it. */
  readonly #start: number;
  #expert: number | undefined;

  constructor(
    { tensor, firstRow, expertStride, slot }: BoundWeight,
    bytes: readonly BytePatch[],
    expert: number | undefined,
  ) {
    this.tensor = tensor.name;
    this.#bytes = bytes;
    this.#matrixBytes = tensor.bytes / (tensor.dims[2] ?? 1);
    this.#start = (firstRow * this.#matrixBytes) / expertStride;
    this.#expert = slot.dims.length < 3 ? 0 : expert;
  }

  /** A changed copy, or `read` itself where nothing lies in it. `read` begins `offset` bytes into the tensor. */
  apply(read: Uint8Array<ArrayBuffer>, offset: number): Uint8Array<ArrayBuffer> {
    this.#expert ??= Math.floor(offset / this.#matrixBytes);
    const first = this.#expert * this.#matrixBytes + this.#start - offset;
    const due = this.#bytes.filter(({ at }) => first + at >= 0 && first + at < read.length);
    if (due.length === 0) return read;
    const bytes = read.slice();
    for (const patch of due) bytes[first + patch.at] = patched(bytes[first + patch.at] ?? 0, patch);
    return bytes;
  }
}

/** Reads as a wrong row stride asks: beyond the tensor's end there are zeros, as behind a bound buffer. */
async function readPadded(
  model: ModelFile,
  tensor: TensorInfo,
  offset: number,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const within = Math.max(0, Math.min(length, tensor.bytes - offset));
  if (within === length) return model.readTensor(tensor, offset, length, signal);
  const bytes = new Uint8Array(length);
  if (within > 0) bytes.set(await model.readTensor(tensor, offset, within, signal));
  return bytes;
}

function namesOf(fault: Fault, hparams: HParams): readonly string[] {
  return faultTensors(fault).map((role) => weightName(role, fault.layer, hparams));
}
