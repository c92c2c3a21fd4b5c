import { createReferenceEngine, type CpuEngineOptions } from '../cpu/engine/cpu-engine';
import type { IsolatingEngine } from '../model/engine';
import type { ExactGpuPool } from './exact-gpu-pool';

/**
 * The reference with its matrix products on a GPU: norms, attention, softmax, SiLU and top-k stay on the CPU in f64.
 * @throws TracerError as `createCpuEngine` and `createExactGpuPool`
 */
export function createExactGpuEngine(
  options: Omit<CpuEngineOptions, 'pool'> & { readonly pool: ExactGpuPool },
): IsolatingEngine {
  return createReferenceEngine('exact-gpu', options, (_type, x) => x);
}
