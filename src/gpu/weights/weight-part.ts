import type { WeightTensor } from '../../model/weights';
import { gpuRowWords } from '../matmul/weight-layout';

/** Whole rows of a weight tensor, in the layout of `matmul/`: what is read, kept and dropped as one piece of GPU memory. */
export interface WeightPart {
  /** Unique within the model. */
  readonly key: string;
  readonly tensor: WeightTensor;
  /** Elements of a row. */
  readonly nIn: number;
  /** First row, counted through all experts. */
  readonly firstRow: number;
  readonly nRows: number;
  /** Bytes on the GPU. */
  readonly bytes: number;
  readonly expert: number | undefined;
}

/** A matrix (nIn, nOut) in as few parts of whole rows as fit in `maxBytes` each; one row at least. */
export function matrixParts(tensor: WeightTensor, maxBytes: number): readonly WeightPart[] {
  const [nIn = 1, nOut = 1] = tensor.dims;
  const rowBytes = 4 * gpuRowWords(tensor.type, nIn);
  const atMost = Math.max(1, Math.min(nOut, Math.floor(maxBytes / rowBytes)));
  const nParts = Math.ceil(nOut / atMost);
  const nRows = Math.ceil(nOut / nParts);
  return Array.from({ length: nParts }, (_, i) => {
    const firstRow = i * nRows;
    return rowsPart(tensor, firstRow, Math.min(nRows, nOut - firstRow), undefined);
  });
}

/** One expert's matrix of a tensor (nIn, nOut, nExpert). */
export function expertPart(tensor: WeightTensor, expert: number): WeightPart {
  const nOut = tensor.dims[1] ?? 1;
  return rowsPart(tensor, expert * nOut, nOut, expert);
}

/** Some rows of a part, as a part of their own. */
export function slicePart({ tensor, firstRow, expert }: WeightPart, first: number, nRows: number): WeightPart {
  return rowsPart(tensor, firstRow + first, nRows, expert);
}

/** A norm's weights, plain f32 on the GPU. */
export function vectorPart(tensor: WeightTensor): WeightPart {
  const nIn = tensor.elements;
  const common = { tensor, nIn, firstRow: 0, nRows: 1, expert: undefined };
  return { ...common, key: tensor.name, bytes: 4 * nIn };
}

function rowsPart(tensor: WeightTensor, firstRow: number, nRows: number, expert: number | undefined): WeightPart {
  const nIn = tensor.dims[0] ?? 1;
  const bytes = nRows * 4 * gpuRowWords(tensor.type, nIn);
  return { key: `${tensor.name}:${firstRow}+${nRows}`, tensor, nIn, firstRow, nRows, bytes, expert };
}
