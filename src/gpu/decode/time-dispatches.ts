import type { GpuContext } from '../device';
import type { DecodeDispatch } from './decode-graph';
import { encodePass } from './decode-pass';

/** Times that each method is timed; the best counts. */
const REPEATS = 3;

/** Microseconds of a pass over dispatches, from the CPU; `passes` of them in one submit. */
export async function timeDispatches(
  { device }: GpuContext,
  dispatches: readonly DecodeDispatch[],
  splits: number,
  passes = 4,
): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < REPEATS; i++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let p = 0; p < passes; p++) encodePass(pass, dispatches, splits);
    pass.end();
    const begun = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    best = Math.min(best, (1000 * (performance.now() - begun)) / passes);
  }
  return best;
}
