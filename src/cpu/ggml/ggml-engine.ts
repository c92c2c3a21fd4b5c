import type { IsolatingEngine } from '../../model/engine';
import { createArm, type CpuEngineOptions } from '../engine/cpu-engine';
import { ggmlActivations } from './activations';

/**
 * The reference with activations quantised in front of every matrix as llama.cpp's CPU does, so that a difference to llama.cpp can be
 * told from a defect. Computes no error bounds: it is no arbiter.
 * @throws TracerError as `createCpuEngine`.
 */
export function createGgmlCpuEngine(options: CpuEngineOptions): IsolatingEngine {
  const engine = createArm('cpu-ggml', options, ggmlActivations);
  return {
    ...engine,
    begin: (tokens, nPast, step) => engine.begin(tokens, nPast, { ...step, bounds: false }),
    layer: (layer, step) => engine.layer(layer, { ...step, bounds: false }),
    end: (step) => engine.end({ ...step, bounds: false }),
    advanceAndIsolate: (layer, step, reference, isolated) =>
      engine.advanceAndIsolate(layer, { ...step, bounds: false }, reference, isolated),
  };
}
