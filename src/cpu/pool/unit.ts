import { rowBytes } from '../../gguf/ggml-types';
import { rowLength, type TensorRows } from '../../gguf/tensor-rows';
import { rowProducts } from '../kernels/row-products';
import type { Yielder } from '../../base/yielder';
import type { MatmulJob, MatmulResult, RowsJob } from './cpu-pool';

/** Largest slice of weights that is in memory for one unit. */
export const MAX_UNIT_BYTES = 2 * 2 ** 20;
/** Smallest unit worth a message, in multiply-adds (about a millisecond). */
const MIN_UNIT_WORK = 4e6;
/** What dequantising an element costs, in multiply-adds: 1.5 with SIMD, 7 without. */
const DEQUANT_WORK = 2;
/** Work between two looks at the clock, in multiply-adds: well below a millisecond with SIMD, a few without. */
const GLANCE_WORK = 1e6;
/** Units that each worker should find in a run, so that an uneven finish costs little. */
const UNITS_PER_WORKER = 2;

/** Rows of a job: what one worker reads and multiplies at a time. */
export interface Unit extends TensorRows {
  /** Index of its job. */
  readonly job: number;
}

/**
 * Cuts jobs into units for `workers` workers: at most {@link MAX_UNIT_BYTES} of weights each, in order. A run of many jobs (experts) needs no
 * further cuts to keep all workers busy. The same for a run as for what was expected of it.
 */
export function planUnits(jobs: readonly RowsJob[], workers: number): readonly Unit[] {
  return jobs.flatMap((job, index) => {
    const nIn = rowLength(job.tensor);
    const fits = Math.floor(MAX_UNIT_BYTES / rowBytes(job.tensor.type, nIn));
    const worthwhile = Math.ceil(MIN_UNIT_WORK / (nIn * (job.nTokens + DEQUANT_WORK)));
    const share = Math.ceil((job.rows * jobs.length) / (workers * UNITS_PER_WORKER));
    const size = Math.max(1, Math.min(fits, Math.max(worthwhile, share)));
    const units: Unit[] = [];
    for (let from = 0; from < job.rows; from += size) {
      units.push({
        job: index,
        tensor: job.tensor,
        firstRow: job.firstRow + from,
        rows: Math.min(size, job.rows - from),
      });
    }
    return units;
  });
}

/** Multiplies rows whose bytes are read: (nTokens, rows). Yields to the event loop between rows. */
export async function computeUnit(
  work: MatmulJob & { readonly bytes: Uint8Array },
  yielder: Yielder,
): Promise<MatmulResult> {
  const { tensor, rows, nTokens } = work;
  const nIn = rowLength(tensor);
  const products = rowProducts({ ...work, type: tensor.type, nIn });
  const rowsAtOnce = Math.max(products.rowsAtOnce, Math.floor(GLANCE_WORK / (nIn * (nTokens + DEQUANT_WORK))));
  try {
    for (let from = 0; from < rows; from += rowsAtOnce) {
      products.multiply(from, Math.min(rows, from + rowsAtOnce));
      if (yielder.due()) await yielder.yieldToEventLoop();
    }
    return { y: products.y(), magnitudes: products.magnitudes() };
  } finally {
    products.release();
  }
}

/** Results of jobs in the making. */
export interface Results {
  /** Puts a unit's result (nTokens, unit.rows) into its job's (nTokens, rows). */
  place(job: MatmulJob, unit: Unit, part: MatmulResult): void;
  /** Once all units are placed. */
  all(): readonly MatmulResult[];
}

/** Results for the jobs. The result of a unit that is a whole job is the job's, uncopied: most experts are. */
export function resultsOf(jobs: readonly MatmulJob[]): Results {
  const results = new Map<number, MatmulResult>();
  const of = (index: number, job: MatmulJob): MatmulResult => {
    const result = results.get(index) ?? emptyResult(job);
    results.set(index, result);
    return result;
  };
  return {
    place(job, unit, part) {
      if (unit.rows === job.rows) results.set(unit.job, { y: part.y, magnitudes: part.magnitudes });
      else placeUnit(job, unit, part, of(unit.job, job));
    },
    all: () => jobs.map((job, index) => of(index, job)),
  };
}

function placeUnit(job: MatmulJob, unit: Unit, part: MatmulResult, whole: MatmulResult): void {
  for (let t = 0; t < job.nTokens; t++) {
    const from = t * unit.rows;
    const at = t * job.rows + unit.firstRow - job.firstRow;
    whole.y.set(part.y.subarray(from, from + unit.rows), at);
    if (t < job.magnitudes) {
      if (part.magnitudes) whole.magnitudes?.set(part.magnitudes.subarray(from, from + unit.rows), at);
    }
  }
}

function emptyResult({ nTokens, rows, magnitudes }: MatmulJob): MatmulResult {
  return {
    y: new Float64Array(nTokens * rows),
    magnitudes: magnitudes > 0 ? new Float64Array(magnitudes * rows) : undefined,
  };
}
