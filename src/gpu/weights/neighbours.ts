import { rowBytes } from '../../gguf/ggml-types';
import type { ModelFile } from '../../gguf/model-file';
import type { WeightPart } from './weight-part';

/** Most bytes of the file that are read as one. */
const RUN_BYTES = 8 * 2 ** 20;

/** Parts that follow each other in the file without a gap, cut into runs that may be read as one; a part without neighbours is alone. */
export function neighbourRuns(parts: readonly WeightPart[]): readonly (readonly WeightPart[])[] {
  const sorted = parts.toSorted((a, b) => compareText(a.tensor.name, b.tensor.name) || a.firstRow - b.firstRow);
  const runs: WeightPart[][] = [];
  for (const part of sorted) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const isNext =
      last?.form === 'rows' &&
      part.form === 'rows' &&
      last.tensor.name === part.tensor.name &&
      last.firstRow + last.nRows === part.firstRow;
    const bytes = (run ?? []).reduce((sum, one) => sum + fileBytes(one), fileBytes(part));
    if (isNext && bytes <= RUN_BYTES) run?.push(part);
    else runs.push([part]);
  }
  return runs;
}

/** What reads parts of a run out of one read of all of them. */
export function readerOfRun(
  run: readonly WeightPart[],
  read: (offset: number, length: number) => Promise<Uint8Array<ArrayBuffer>>,
): Pick<ModelFile, 'readTensor'> {
  const [first] = run;
  const start = first === undefined ? 0 : first.firstRow * rowBytes(first.tensor.type, first.nIn);
  const all = read(
    start,
    run.reduce((sum, part) => sum + fileBytes(part), 0),
  );
  // Met by every part of the run.
  all.catch(() => undefined);
  return {
    readTensor: async (_tensor, offset, length) => (await all).subarray(offset - start, offset - start + length),
  };
}

function fileBytes({ tensor, nIn, nRows }: WeightPart): number {
  return nRows * rowBytes(tensor.type, nIn);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
