import { OPS } from '../ops/ops';
import type { Defect } from '../ops/defect';
import { TYPES } from '../types/types';
import { ENGINE_DEFECTS } from './cases/defects';
import { DECODE_DEFECTS } from './decode/defects';

/**
 * THE DEFECTS: of every operation, of every type, of the fused kernels. `docs/selftest.md` lists them, `tests/selftest/defects.test.ts`
 * proves that each turns the self-test red.
 */
export const DEFECTS: readonly Defect[] = [
  ...Object.values(OPS).flatMap(({ defects }) => defects),
  ...TYPES.flatMap(({ name, defects }) =>
    defects.map(({ kind, what, from, to }): Defect => ({
      kernel: 'rows',
      type: name,
      kind,
      what,
      edits: [[from, to]],
    })),
  ),
  ...ENGINE_DEFECTS,
  ...DECODE_DEFECTS,
];
