import { fail } from '../base/errors';
import type { AprtTensor } from '../trace/aprt';
import { compareValues } from './compare-values';

export const APR_STAGE_DIFF_SCHEMA = 'apr-stage-diff-v1';
/** How many differences are listed unless told. */
export const APR_TOP_DIFFS = 10;

/** The diff of two APRT files, element by element, in the form of the `apr` tool. Numbers that are not finite stay numbers in memory. */
export interface AprStageDiff {
  readonly schema: typeof APR_STAGE_DIFF_SCHEMA;
  readonly path_a: string;
  readonly path_b: string;
  readonly layer: number | 'whole-model';
  /** Elements. */
  readonly dim_product: number;
  /** NaN as soon as one difference is. */
  readonly max_abs_diff: number;
  readonly max_abs_diff_index: number;
  /** sqrt(mean (a-b)^2) */
  readonly rms_diff: number;
  readonly cosine_sim: number;
  /** The largest differences, descending; NaN first, then the lower index. */
  readonly top_diffs: readonly {
    readonly index: number;
    readonly a: number;
    readonly b: number;
    readonly abs_diff: number;
  }[];
}

export interface NamedAprt {
  readonly path: string;
  readonly tensor: AprtTensor;
}

/** Compares two APRT files. @throws TracerError `trace-mismatch` when their layers or lengths differ. */
export function aprStageDiff(a: NamedAprt, b: NamedAprt, top = APR_TOP_DIFFS): AprStageDiff {
  const layer = a.tensor.layer ?? 'whole-model';
  const layerB = b.tensor.layer ?? 'whole-model';
  if (layer !== layerB) throw mismatch('layer', a.path, String(layer), b.path, String(layerB));
  const x = a.tensor.data;
  const y = b.tensor.data;
  if (x.length !== y.length) throw mismatch('element count', a.path, String(x.length), b.path, String(y.length));
  const stats = compareValues(x, y, { outer: 1, positions: 1, inner: x.length });
  return {
    schema: APR_STAGE_DIFF_SCHEMA,
    path_a: a.path,
    path_b: b.path,
    layer,
    dim_product: x.length,
    max_abs_diff: stats.maxAbs,
    max_abs_diff_index: stats.maxAbsAt,
    rms_diff: x.length === 0 ? 0 : Math.sqrt((stats.perPosition[0]?.error2 ?? 0) / x.length),
    cosine_sim: stats.cosine,
    top_diffs: topDiffs(x, y, top),
  };
}

function topDiffs(x: Float32Array, y: Float32Array, top: number): AprStageDiff['top_diffs'] {
  const best: { readonly index: number; readonly a: number; readonly b: number; readonly abs_diff: number }[] = [];
  for (let index = 0; index < x.length; index++) {
    const a = x[index]!;
    const b = y[index]!;
    const difference = a === b ? 0 : Math.abs(a - b);
    const last = best.at(-1);
    if (best.length === top && last !== undefined && !isAbove(difference, last.abs_diff)) continue;
    const at = best.findIndex((other) => isAbove(difference, other.abs_diff));
    best.splice(at < 0 ? best.length : at, 0, { index, a, b, abs_diff: difference });
    if (best.length > top) best.pop();
  }
  return best;
}

function isAbove(x: number, y: number): boolean {
  return Number.isNaN(x) ? !Number.isNaN(y) : x > y;
}

function mismatch(what: string, pathA: string, a: string, pathB: string, b: string): Error {
  return fail(
    'trace-mismatch',
    `The ${what} differs: ${a} in ${pathA}, ${b} in ${pathB}.`,
    'Element-wise comparison needs two files of the same layer and length.',
    { what, a, b },
  );
}
