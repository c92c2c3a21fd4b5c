import type { Coverage } from '../divergence/report';
import { ALL_KERNELS } from '../gpu/all-kernels';
import { kernelText, type KernelUse } from '../model/kernel-use';

/**
 * The kernels that a run took, and those that it says nothing of.
 * @param before what the engine had run before it: engines are kept from run to run
 */
export function coverageOf(before: readonly KernelUse[], after: readonly KernelUse[]): Coverage {
  const key = ({ path, kernel, variant }: KernelUse): string => `${path} ${kernelText(kernel, variant)}`;
  const earlier = new Map(before.map((use) => [key(use), use.dispatches]));
  const ran = after.filter((use) => use.dispatches > (earlier.get(key(use)) ?? 0));
  const names = new Set(ran.map(({ kernel }) => kernel));
  return {
    kernels: ran.map(({ kernel, variant, path, stages }) => ({ kernel, variant, path, stages })),
    notRun: ALL_KERNELS.filter((name) => !names.has(name)),
  };
}
