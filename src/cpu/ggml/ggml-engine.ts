import type { IsolatingEngine } from '../../model/engine';
import { createReferenceEngine, type CpuEngineOptions, type ExactEngine } from '../engine/cpu-engine';
import { ggmlActivations, ggmlDoubt, q8BlockActivations, roundedTo, type PlainRounding } from './activations';

/**
 * The reference with activations quantised in front of every matrix as llama.cpp's CPU does, so that a difference to llama.cpp can be
 * told from a defect. Computes no error bounds: it is no arbiter.
 * @throws TracerError as `createCpuEngine`.
 */
export function createGgmlCpuEngine(options: CpuEngineOptions): IsolatingEngine {
  const engine = withoutBounds(createReferenceEngine('cpu-ggml', options, ggmlActivations));
  const doubts = createReferenceEngine('cpu-ggml', options, ggmlDoubt);
  return {
    ...engine,
    async begin(tokens, nPast, step) {
      await doubts.begin(tokens, nPast, { capture: new Map() });
      return engine.begin(tokens, nPast, step);
    },
    doubt: (layer, reference, step) => doubts.isolate(layer, reference, { ...step, bounds: true }),
  };
}

/** The same as ggml's GPU back ends multiply whole numbers: in blocks of 32 whatever a weight's type. */
export function createQ8BlockEngine(options: CpuEngineOptions): IsolatingEngine {
  return withoutBounds(createReferenceEngine('cpu-q8_1', options, q8BlockActivations));
}

/** The same with activations rounded in one way in front of every matrix; `q8` as llama.cpp's CPU does. */
export function createRoundingEngine(options: CpuEngineOptions, to: PlainRounding | 'q8'): IsolatingEngine {
  return withoutBounds(
    createReferenceEngine(`cpu-${to}`, options, to === 'q8' ? ggmlActivations : (_type, x) => roundedTo(to, x)),
  );
}

function withoutBounds(engine: ExactEngine): IsolatingEngine {
  return {
    ...engine,
    begin: (tokens, nPast, step) => engine.begin(tokens, nPast, { ...step, bounds: false }),
    layer: (layer, step) => engine.layer(layer, { ...step, bounds: false }),
    end: (step) => engine.end({ ...step, bounds: false }),
    advanceAndIsolate: (layer, step, reference, isolated) =>
      engine.advanceAndIsolate(layer, { ...step, bounds: false }, reference, isolated),
  };
}
