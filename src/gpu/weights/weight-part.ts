import { tensorRow, type BoundWeight } from '../../arch/bind';
import type { TensorRows } from '../../gguf/tensor-rows';
import { gpuBytes } from './placed-rows';

/** Rows of a weight that are read, kept and dropped as one piece of GPU memory. */
export interface WeightPart extends TensorRows {
  /** Unique within the model. */
  readonly key: string;
  readonly weight: BoundWeight;
  /** Bytes on the GPU. */
  readonly bytes: number;
  readonly expert: number | undefined;
}

/** A matrix (nIn, nOut) in as few parts of whole rows as fit in `maxBytes` each; one row at least. */
export function matrixParts(weight: BoundWeight, maxBytes: number): readonly WeightPart[] {
  const { nOut, tensor } = weight;
  const atMost = Math.max(1, Math.min(nOut, Math.floor(maxBytes / gpuBytes({ tensor, rows: 1 }))));
  const known = matrices.get(weight);
  if (known?.atMost === atMost) return known.parts;
  const nParts = Math.ceil(nOut / atMost);
  const each = Math.ceil(nOut / nParts);
  const parts = Array.from({ length: nParts }, (_, i) => {
    const row = i * each;
    return rowsPart(weight, tensorRow(weight, 0, row), Math.min(each, nOut - row), undefined);
  });
  matrices.set(weight, { atMost, parts });
  return parts;
}

/** As last cut: each layer of each step asks for the same. */
const matrices = new WeakMap<BoundWeight, { readonly atMost: number; readonly parts: readonly WeightPart[] }>();

/** One expert's matrix of a weight (nIn, nOut, nExpert). */
export function expertPart(weight: BoundWeight, expert: number): WeightPart {
  return rowsPart(weight, tensorRow(weight, expert, 0), weight.nOut, expert);
}

/** One head's matrix of a weight (nIn, nOut, heads). */
export function headPart(weight: BoundWeight, head: number): WeightPart {
  return rowsPart(weight, tensorRow(weight, head, 0), weight.nOut, undefined);
}

/** Some rows of a part, as a part of their own. */
export function slicePart({ weight, firstRow, expert }: WeightPart, first: number, rows: number): WeightPart {
  return rowsPart(weight, firstRow + first, rows, expert);
}

/** A norm's weights. */
export function vectorPart(weight: BoundWeight): WeightPart {
  let part = vectors.get(weight);
  if (part === undefined) vectors.set(weight, (part = rowsPart(weight, 0, 1, undefined)));
  return part;
}

/** Each layer of each step asks. */
const vectors = new WeakMap<BoundWeight, WeightPart>();

function rowsPart(weight: BoundWeight, firstRow: number, rows: number, expert: number | undefined): WeightPart {
  const { tensor } = weight;
  const bytes = gpuBytes({ tensor, rows });
  return { key: `${tensor.name}:${firstRow}+${rows}`, weight, tensor, firstRow, rows, bytes, expert };
}
