import { linearGrid } from '../ops/kernel-grid';
import { kernelName, type KernelSpec } from '../ops/kernel-spec';
import type { Expected } from './expected';
import type { InputKind } from './inputs';
import type { CaseWork, SelftestCase, SelftestType } from './selftest-case';

/** Lanes of a workgroup in the kernels that give each value a lane. */
export const LANES = 64;

/** One, a workgroup less one, a workgroup, one more, a prime of many workgroups. */
export const COUNTS = [1, LANES - 1, LANES, LANES + 1, 997] as const;

/** Every kind of values; in full where a value costs next to nothing. */
export const KINDS: readonly InputKind[] = ['normal', 'zero', 'one-hot', 'large', 'subnormal', 'minus-zero'];

/** A case of a kernel that has one variant. */
export function plainCase(
  spec: KernelSpec,
  shape: string,
  make: () => CaseWork,
  type: SelftestType = 'f32',
): SelftestCase {
  const [variant] = spec.variants;
  if (variant === undefined) throw new RangeError(`${spec.file} has no variant`);
  return { kernel: kernelName(spec), types: [type], shape, spec, variant, make };
}

/** One dispatch with a lane for each of `lanes` values, and one output. */
export function laneWork(
  inputs: CaseWork['inputs'],
  output: string,
  expected: Expected,
  params: Readonly<Record<string, number>>,
  lanes: number,
): CaseWork {
  return {
    inputs,
    outputs: { [output]: expected.bounds.length },
    calls: [{ params, grid: linearGrid(lanes, LANES) }],
    expected: { [output]: expected },
  };
}
