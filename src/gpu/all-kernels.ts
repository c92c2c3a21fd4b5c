import { FUSIONS } from '../fusions/fusions';
import { kernelName } from '../ops/kernel-spec';
import { OPS } from '../ops/ops';
import { KERNEL_TABLE } from './kernel-table';
import { DEQUANT_ROWS, MATMULS } from './matmul/variants';

/** Every kernel that computes operations, by the name that reports give it: of one operation, or of several at once. */
export const ALL_KERNELS: readonly string[] = [
  ...new Set(
    [
      ...Object.values(OPS).flatMap(({ kernels }) => kernels),
      ...Object.values(MATMULS),
      DEQUANT_ROWS,
      KERNEL_TABLE.attentionTiled,
      ...FUSIONS.flatMap(({ kernels }) => kernels),
    ].map(kernelName),
  ),
].sort();
