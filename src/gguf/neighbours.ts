import { rowBytes, type QuantType } from './ggml-types';
import type { TensorInfo } from './model-file';

/** A byte range of a tensor. */
export interface TensorRange {
  readonly tensor: TensorInfo;
  /** Bytes from the tensor's first. */
  readonly offset: number;
  readonly length: number;
}

/** Most bytes of neighbours that are read as one. */
export const RUN_BYTES = 8 * 2 ** 20;

/** The first of the items with those after it that follow it in the file without a gap, as long as one read may bring them; the first alone may be larger. */
export function leadingRun<T>(
  items: Iterable<T>,
  rangeOf: (item: T) => TensorRange,
  mostBytes = RUN_BYTES,
): readonly T[] {
  const run: T[] = [];
  let end: TensorRange | undefined;
  let bytes = 0;
  for (const item of items) {
    const range = rangeOf(item);
    const follows =
      end === undefined || (end.tensor.name === range.tensor.name && end.offset + end.length === range.offset);
    if (!follows || (end !== undefined && bytes + range.length > mostBytes)) break;
    run.push(item);
    bytes += range.length;
    end = range;
  }
  return run;
}

/** The items cut, in their order, into runs of neighbours; an item without neighbours is alone. */
export function neighbourRuns<T>(items: readonly T[], rangeOf: (item: T) => TensorRange): readonly (readonly T[])[] {
  const runs: (readonly T[])[] = [];
  for (let first = 0; first < items.length; first += runs.at(-1)?.length ?? 1) {
    runs.push(leadingRun(from(items, first), rangeOf));
  }
  return runs;
}

function* from<T>(items: readonly T[], first: number): Generator<T, void> {
  for (let i = first; i < items.length; i++) {
    const item = items[i];
    if (item !== undefined) yield item;
  }
}

/** Consecutive rows of a table, as one read may bring them. */
export interface RowRun {
  readonly firstRow: number;
  readonly rows: number;
  /** Place of the first of them among those that were asked for. */
  readonly at: number;
}

/** Rows of a table as runs of neighbours. @param ids ascending, none twice @param nIn values of a row */
export function neighbouringRows(
  ids: readonly number[],
  tensor: TensorInfo & { readonly type: QuantType },
  nIn: number,
): readonly RowRun[] {
  const length = rowBytes(tensor.type, nIn);
  let at = 0;
  return neighbourRuns(ids, (id) => ({ tensor, offset: id * length, length })).map((run) => {
    const found = { firstRow: run[0] ?? 0, rows: run.length, at };
    at += run.length;
    return found;
  });
}

/**
 * Reads a run of neighbours as one.
 * @returns the bytes of each range, views of the same memory. A failed read rejects all of them, and none counts as unhandled.
 */
export function readRun(
  run: readonly TensorRange[],
  read: (tensor: TensorInfo, offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
): readonly Promise<Uint8Array<ArrayBuffer>>[] {
  const [first] = run;
  if (first === undefined) return [];
  const total = run.reduce((sum, { length }) => sum + length, 0);
  const all = read(first.tensor, first.offset, total);
  return run.map(({ offset, length }) => {
    const at = offset - first.offset;
    const one = run.length === 1 ? all : all.then((bytes) => bytes.subarray(at, at + length));
    one.catch(() => undefined);
    return one;
  });
}
