import type { ModelFile } from './model-file';
import { fileBytes, readRows, type TensorRows, type WeightTensor } from './tensor-rows';

/** Most bytes of neighbours that are read as one. */
export const RUN_BYTES = 8 * 2 ** 20;

/** The first of the rows with those after it that follow it in the file without a gap, as long as one read may bring them; the first alone may be larger. */
export function leadingRun<T extends TensorRows>(all: Iterable<T>, mostBytes = RUN_BYTES): readonly T[] {
  const run: T[] = [];
  let bytes = 0;
  for (const rows of all) {
    const last = run.at(-1);
    const follows = last?.tensor.name === rows.tensor.name && last.firstRow + last.rows === rows.firstRow;
    bytes += fileBytes(rows);
    if (last !== undefined && (!follows || bytes > mostBytes)) break;
    run.push(rows);
  }
  return run;
}

/** Rows cut, in their order, into runs of neighbours; rows without neighbours are alone. */
export function neighbourRuns<T extends TensorRows>(all: readonly T[]): readonly (readonly T[])[] {
  const runs: (readonly T[])[] = [];
  for (let first = 0; first < all.length; first += runs.at(-1)?.length ?? 1) {
    runs.push(leadingRun(from(all, first)));
  }
  return runs;
}

function* from<T>(items: readonly T[], first: number): Generator<T, void> {
  for (let i = first; i < items.length; i++) {
    const item = items[i];
    if (item !== undefined) yield item;
  }
}

/** A run of neighbours as the rows that it is together. */
export function joinedRows(run: readonly TensorRows[]): TensorRows {
  const [first] = run;
  if (first === undefined) throw new RangeError('no rows to join');
  const { tensor, firstRow } = first;
  return { tensor, firstRow, rows: run.reduce((sum, { rows }) => sum + rows, 0) };
}

/** Single rows of a table as runs of neighbours, each with the place of its first among those that were asked for. @param ids ascending, none twice */
export function neighbouringRows(
  tensor: WeightTensor,
  ids: readonly number[],
): readonly (TensorRows & { readonly at: number })[] {
  let at = 0;
  return neighbourRuns(ids.map((firstRow): TensorRows => ({ tensor, firstRow, rows: 1 }))).map((run) => {
    const found = { ...joinedRows(run), at };
    at += run.length;
    return found;
  });
}

/**
 * Reads a run of neighbours as one.
 * @returns the bytes of each, views of the same memory. A failed read rejects all of them, and none counts as unhandled.
 */
export function readRun(
  model: Pick<ModelFile, 'readTensor'>,
  run: readonly TensorRows[],
): readonly Promise<Uint8Array<ArrayBuffer>>[] {
  const all = readRows(model, joinedRows(run));
  let next = 0;
  return run.map((rows) => {
    const at = next;
    next += fileBytes(rows);
    const one = run.length === 1 ? all : all.then((bytes) => bytes.subarray(at, at + fileBytes(rows)));
    one.catch(() => undefined);
    return one;
  });
}
