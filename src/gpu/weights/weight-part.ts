import { tensorRow, type BoundWeight, type WeightTensor } from '../../arch/bind';
import { gpuRowWords } from '../../ops/weight-layout';

/** Whole rows of a weight, in the layout of `matmul/`: what is read, kept and dropped as one piece of GPU memory. */
export interface WeightPart {
  /** Unique within the model. */
  readonly key: string;
  readonly weight: BoundWeight;
  readonly tensor: WeightTensor;
  /** Elements of a row. */
  readonly nIn: number;
  /** First row of the tensor, counted through all experts. */
  readonly firstRow: number;
  readonly nRows: number;
  /** Bytes on the GPU. */
  readonly bytes: number;
  readonly expert: number | undefined;
}

/** A matrix (nIn, nOut) in as few parts of whole rows as fit in `maxBytes` each; one row at least. */
export function matrixParts(weight: BoundWeight, maxBytes: number): readonly WeightPart[] {
  const { nIn, nOut, tensor } = weight;
  const rowBytes = 4 * gpuRowWords(tensor.type, nIn);
  const atMost = Math.max(1, Math.min(nOut, Math.floor(maxBytes / rowBytes)));
  const known = matrices.get(weight);
  if (known?.atMost === atMost) return known.parts;
  const nParts = Math.ceil(nOut / atMost);
  const nRows = Math.ceil(nOut / nParts);
  const parts = Array.from({ length: nParts }, (_, i) => {
    const row = i * nRows;
    return rowsPart(weight, tensorRow(weight, 0, row), Math.min(nRows, nOut - row), undefined);
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
export function slicePart({ weight, firstRow, expert }: WeightPart, first: number, nRows: number): WeightPart {
  return rowsPart(weight, firstRow + first, nRows, expert);
}

/** A norm's weights, plain f32 on the GPU. */
export function vectorPart(weight: BoundWeight): WeightPart {
  let part = vectors.get(weight);
  if (part === undefined) {
    const { nIn, tensor } = weight;
    part = { key: tensor.name, weight, tensor, nIn, firstRow: 0, nRows: 1, bytes: 4 * nIn, expert: undefined };
    vectors.set(weight, part);
  }
  return part;
}

/** Each layer of each step asks. */
const vectors = new WeakMap<BoundWeight, WeightPart>();

function rowsPart(weight: BoundWeight, firstRow: number, nRows: number, expert: number | undefined): WeightPart {
  const { tensor, nIn } = weight;
  const bytes = nRows * 4 * gpuRowWords(tensor.type, nIn);
  return { key: `${tensor.name}:${firstRow}+${nRows}`, weight, tensor, nIn, firstRow, nRows, bytes, expert };
}
