import { rowBytes, type QuantType } from './ggml-types';
import type { ModelFile, TensorInfo } from './model-file';

/** A tensor whose type the engines can run. */
export interface WeightTensor extends TensorInfo {
  readonly type: QuantType;
}

/** Consecutive rows of a tensor: what is read, multiplied, kept and dropped as one. Expert e of a stacked tensor begins at row e * nOut. */
export interface TensorRows {
  readonly tensor: WeightTensor;
  /** Counted through all experts. */
  readonly firstRow: number;
  readonly rows: number;
}

/** Elements of a row. */
export function rowLength({ dims }: TensorInfo): number {
  return dims[0] ?? 0;
}

/** Bytes of rows in the file. */
export function fileBytes({ tensor, rows }: Omit<TensorRows, 'firstRow'>): number {
  return rows * rowBytes(tensor.type, rowLength(tensor));
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes of a weight tensor were read. */
  readonly onRead?: ((tensor: string, bytes: number) => void) | undefined;
}

/**
 * Reads rows as the file holds them.
 * @param into memory of {@link fileBytes} that may be used
 * @throws TracerError as `ModelFile.readTensor`
 */
export async function readRows(
  model: Pick<ModelFile, 'readTensor'>,
  rows: TensorRows,
  { signal, onRead }: ReadOptions = {},
  into?: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { tensor, firstRow } = rows;
  const length = fileBytes(rows);
  const bytes = await model.readTensor(tensor, fileBytes({ tensor, rows: firstRow }), length, signal, into);
  onRead?.(tensor.name, length);
  return bytes;
}
