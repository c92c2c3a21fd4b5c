import { FUSIONS } from '../fusions/fusions';
import { ROWS_FUSIONS } from '../fusions/rows-fusions';
import { kernelName } from '../ops/kernel-spec';
import { OPS } from '../ops/ops';
import { DEQUANT_ROWS, MATMULS } from './matmul/variants';

/** Every kernel that computes operations, by the name that reports give it: of one operation, or of several at once. */
export const ALL_KERNELS: readonly string[] = [
  ...new Set(
    [
      ...Object.values(OPS).flatMap(({ kernels }) => kernels),
      ...Object.values(MATMULS),
      DEQUANT_ROWS,
      ...[...FUSIONS, ...ROWS_FUSIONS].flatMap(({ kernels }) => kernels),
    ].map(kernelName),
  ),
].sort();
