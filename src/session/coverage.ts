import type { Coverage, CoveredPath } from '../divergence/report';
import { ALL_KERNELS } from '../gpu/all-kernels';
import { kernelText, type KernelUse } from '../model/kernel-use';

/** The kernels of a run. @param before what had run before it: engines are kept from run to run */
export function kernelsSince(before: readonly KernelUse[], after: readonly KernelUse[]): Coverage['kernels'] {
  const key = ({ path, kernel, variant }: KernelUse): string => `${path} ${kernelText(kernel, variant)}`;
  const earlier = new Map(before.map((use) => [key(use), use.dispatches]));
  return after
    .filter((use) => use.dispatches > (earlier.get(key(use)) ?? 0))
    .map(({ kernel, variant, path, stages }) => ({ kernel, variant, path, stages }));
}

/** The kernels and paths of a run, and the kernels that it says nothing of. */
export function coverageOf(kernels: Coverage['kernels'], paths: readonly CoveredPath[]): Coverage {
  const names = new Set(kernels.map(({ kernel }) => kernel));
  return { paths, kernels, notRun: ALL_KERNELS.filter((name) => !names.has(name)) };
}
