import { throwIfAborted } from '../../base/abort';
import { settle } from '../../base/settle';
import { fail } from '../../base/errors';
import { bindGraph } from '../../arch/bind';
import { isProduct, rowLength, sectionOf, type Section } from '../../arch/graph';
import { neededNodes } from '../../arch/walk';
import { checkCapture, checkPast, checkTokens } from '../../model/check-step';
import type { ModelFile } from '../../gguf/model-file';
import type {
  EngineId,
  EngineHooks,
  IsolatingEngine,
  ReferenceStep,
  StepOptions,
  StepResult,
  Capture,
} from '../../model/engine';
import { graphOf } from '../../model/graph-of';
import type { HParams } from '../../model/hparams';
import { ropeTable, type RopeAttrs, type RopeFactors, type RopeTable } from '../../ops/rope/exact';
import { yielder } from '../../base/yielder';
import type { CpuPool } from '../pool/cpu-pool';
import { jointPool, type JointWalk } from '../pool/joint-pool';
import { isolateSection, runSection, type SectionResult } from './run-section';
import { createStateCache } from './state-cache';
import type { Step } from './step';
import { referenceValues } from './values';
import { weightAccess, type ActivationRounding } from './weight-access';

export interface CpuEngineOptions {
  /** Stays the caller's to close. */
  readonly model: ModelFile;
  readonly hparams: HParams;
  /** Stays the caller's to dispose: two engines may share one. */
  readonly pool: CpuPool;
  readonly hooks?: EngineHooks | undefined;
}

/**
 * The exact reference: weights dequantised exactly, every product and sum in f64, activations f64 from node to node, captures rounded to
 * f32. It walks the model's graph. Captured positions are prompt positions: those of a continued step start at `nPast`.
 * @throws TracerError as `bindGraph`; from its methods: `prompt-token`, `plan-range`, those of the pool, `run-cancelled`.
 */
export function createCpuEngine(options: CpuEngineOptions): ExactEngine {
  return createReferenceEngine('cpu', options, (_type, x) => x);
}

/** An engine that walks the weights once for its own step and another's captures. */
export type ExactEngine = IsolatingEngine & Required<Pick<IsolatingEngine, 'advanceAndIsolate'>>;

/** An engine with the reference's arithmetic and its own treatment of activations in front of each matrix. */
export function createReferenceEngine(
  engine: EngineId,
  options: CpuEngineOptions,
  rounding: ActivationRounding,
): ExactEngine {
  const { model, hparams, pool, hooks } = options;
  const { graph, title } = graphOf(hparams);
  const bound = bindGraph(graph, model, title);
  const state = createStateCache((slot) => rowLength(slot.value, graph.sizes, 0));
  let tokens = new Uint32Array(0);
  let nPast = 0;
  /** Positions whose state is kept. */
  let kept = 0;
  let angles = new Map<string, readonly RopeTable[]>();
  let residual: Float64Array<ArrayBuffer> | undefined;
  let nextLayer = 0;

  /** Runs a part of the forward pass and times it. */
  const timed = async <T extends { readonly captures: readonly Capture[] }>(
    stepOptions: StepOptions,
    products: CpuPool,
    run: (step: Step) => Promise<T>,
  ): Promise<{ readonly result: StepResult; readonly done: T }> => {
    const started = performance.now();
    const { signal } = stepOptions;
    throwIfAborted(signal);
    checkCapture(stepOptions.capture, nPast, tokens.length);
    let bytesRead = 0;
    const onRead = (tensor: string, bytes: number): void => {
      bytesRead += bytes;
      hooks?.onRead?.(tensor, bytes);
    };
    const pause = yielder(signal);
    const done = await run({
      graph,
      bound,
      tokens,
      nPast,
      options: stepOptions,
      weights: weightAccess({ model, bound, pool: products, rounding }, tokens.length, { signal, onRead }, pause),
      angles: anglesOf,
      pause,
    });
    throwIfAborted(signal);
    const captures = new Map(done.captures.map((captured) => [captured.stage, captured]));
    return { result: { captures, ms: performance.now() - started, bytesRead }, done };
  };

  /** Rotary angles of the step's tokens: the same for all layers. */
  const anglesOf = (attrs: RopeAttrs, factors: RopeFactors): readonly RopeTable[] => {
    const key = JSON.stringify([attrs, factors && [...factors]]);
    const found = angles.get(key) ?? Array.from(tokens, (_, t) => ropeTable(nPast + t, attrs, factors));
    angles.set(key, found);
    return found;
  };

  /** A section of a run that feeds itself. */
  const advance = (
    section: Section,
    stepOptions: StepOptions,
    products = pool,
  ): Promise<{ readonly result: StepResult; readonly done: SectionResult }> => {
    const { layer } = section;
    const next = layer === undefined ? undefined : graph.layers[layer + 1];
    return timed(stepOptions, products, (step) =>
      runSection(step, section, residual, layer === undefined ? undefined : state.layer(layer), next),
    );
  };

  /** A step of the run that feeds itself, after the one before it. */
  const next = async (layer: number | undefined, stepOptions: StepOptions, products = pool): Promise<StepResult> => {
    const { nLayer } = hparams;
    if (residual === undefined || nextLayer !== (layer ?? nLayer)) {
      const [what, remedy] =
        layer === undefined
          ? ['The end was asked for before every layer was done.', 'Call begin, then every layer.']
          : [`Layer ${layer} was asked for out of turn.`, 'Call begin, then the layers in order.'];
      throw fail('internal', what, remedy);
    }
    const { result, done } = await advance(
      layer === undefined ? graph.head : sectionOf(graph, layer),
      stepOptions,
      products,
    );
    if (layer === undefined) return result;
    residual = done.output;
    nextLayer = layer + 1;
    if (nextLayer === nLayer) kept = nPast + tokens.length;
    return result;
  };

  /** Captured stages alone, of what they are given. */
  const alone = async (
    layer: number | undefined,
    reference: ReferenceStep,
    stepOptions: StepOptions,
    products = pool,
  ): Promise<StepResult> => {
    // The whole-model stages are those of both ends.
    const sections = layer === undefined ? [graph.embed, graph.head] : [sectionOf(graph, layer)];
    const values = referenceValues(reference, nPast + tokens.length, tokens.length);
    const { result } = await timed(stepOptions, products, async (step) => {
      const captures: Capture[] = [];
      for (const section of sections) captures.push(...(await isolateSection(step, section, values)));
      return { captures };
    });
    return result;
  };

  /** The matrices that a step multiplies, for walks that are joined. */
  const walkOf = (layer: number | undefined, { capture }: StepOptions, isAlone: boolean): JointWalk => {
    const section = layer === undefined ? graph.head : sectionOf(graph, layer);
    const captured = new Set<string>([...capture].flatMap(([id, at]) => (at.length > 0 ? [id] : [])));
    const nodes = isAlone
      ? section.nodes.filter((node) => captured.has(node.out.id))
      : neededNodes(section, captured, layer !== undefined);
    const tensors = nodes
      .filter(isProduct)
      .flatMap(({ weights }) => weights.map((slot) => bound.weight(slot).tensor.name));
    const rows = Math.max(0, ...[...capture].map(([, at]) => at.length));
    return { tensors, nTokens: isAlone ? rows : tokens.length };
  };

  return {
    id: engine,

    async begin(newTokens, past, stepOptions) {
      checkTokens(newTokens, hparams.nVocab);
      checkPast(graph, past, kept);
      tokens = newTokens.slice();
      nPast = past;
      kept = past;
      residual = undefined;
      angles = new Map();
      state.reserve(past + tokens.length);
      const { result, done } = await advance(graph.embed, stepOptions);
      residual = done.output;
      nextLayer = 0;
      return result;
    },

    async layer(layer, stepOptions) {
      return next(layer, stepOptions);
    },

    async end(stepOptions) {
      return next(undefined, stepOptions);
    },

    async isolate(layer, reference, stepOptions) {
      return alone(layer, reference, stepOptions);
    },

    async advanceAndIsolate(layer, stepOptions, reference, isolated) {
      const [first, second] = jointPool(pool, [walkOf(layer, stepOptions, false), walkOf(layer, isolated, true)]);
      return settle([
        next(layer, stepOptions, first).finally(() => first?.leave()),
        alone(layer, reference, isolated, second).finally(() => second?.leave()),
      ]);
    },

    dispose() {
      residual = undefined;
      return Promise.resolve();
    },
  };
}
