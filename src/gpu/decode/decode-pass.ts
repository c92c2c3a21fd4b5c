import type { DecodeDispatch } from './decode-graph';

/** Records a token's dispatches. */
export function encodePass(pass: GPUComputePassEncoder, dispatches: readonly DecodeDispatch[], splits: number): void {
  let last: GPUComputePipeline | undefined;
  for (const { pipeline, group, x, y, z } of dispatches) {
    if (pipeline !== last) pass.setPipeline(pipeline);
    last = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(x, y ?? splits, z);
  }
}
