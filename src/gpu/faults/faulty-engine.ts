import type { Fault } from '../../model/faults';
import { isProduct } from '../../arch/graph';
import { graphOf } from '../../model/graph-of';
import type { StageId } from '../../model/stages';
import { createGpuEngine, type GpuEngine, type GpuEngineOptions } from '../engine/gpu-engine';
import type { StageKernel } from '../engine/stage-run';
import { faultyModel } from './faulty-model';
import { replacedStages, stageFault } from './kernel-faults';
import { productFault } from './product-faults';

/**
 * The candidate with faults on purpose, in its free-running and its isolated passes alike: bytes and types of tensors, bound
 * buffers, dispatched rows, kernels and constants of the real path. Results are never touched. Faults that were checked
 * (`checkFault`); what they strike in one run they strike in every later run, so an engine is for one prompt.
 */
export function createFaultyEngine(options: GpuEngineOptions, faults: readonly Fault[]): GpuEngine {
  const { hparams } = options;
  const replace: Record<StageId, (usual: StageKernel) => StageKernel> = { ...options.replace };
  const wrap = (stage: StageId, change: (usual: StageKernel) => StageKernel): void => {
    const before = replace[stage];
    replace[stage] = (usual) => change(before?.(usual) ?? usual);
  };
  for (const fault of faults) {
    for (const stage of replacedStages(fault, hparams)) {
      const computed = stageFault(fault, stage);
      if (computed === undefined) continue;
      wrap(stage, (usual) => (run) => (run.layer === fault.layer ? computed(usual, run) : usual(run)));
    }
  }
  // Outermost, so that they reach the products of replaced stages too.
  const { layers } = graphOf(hparams).graph;
  const nodes = layers.flatMap((layer) => layer.nodes);
  const products = new Set(nodes.filter(isProduct).map(({ out }) => out.id));
  for (const fault of faults) {
    const changed = productFault(fault, hparams);
    if (changed === undefined) continue;
    for (const stage of products) wrap(stage, (usual) => (run) => usual(changed(run)));
  }
  return createGpuEngine({ ...options, model: faultyModel(options.model, hparams, faults), replace });
}
