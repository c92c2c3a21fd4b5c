import { throwIfAborted } from '../../base/abort';
import { fail } from '../../base/errors';
import { checkCapture, checkTokens } from '../../model/check-step';
import type { ModelFile } from '../../gguf/model-file';
import type { ArmId, EngineHooks, IsolatingEngine, StepOptions, StepResult, Tap } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import { LAYER_STAGES, MODEL_STAGES, type ActiveStageId, type StageId } from '../../model/stages';
import { ropeTable, type RopeTable } from '../kernels/rope';
import { LAYER_BOUNDS, MODEL_BOUNDS, type BoundFunction } from '../bounds/layer-bounds';
import { breather } from '../pool/breather';
import type { CpuPool } from '../pool/cpu-pool';
import { captureTap } from './capture';
import { ISOLATED_STAGE_FUNCTIONS, referenceCache, referenceValues } from './isolated';
import { createKvCache, type LayerCache } from './kv-cache';
import { LAYER_STAGE_FUNCTIONS } from './layer-stages';
import { MODEL_STAGE_FUNCTIONS } from './model-stages';
import { capturedPositions, stageValues, type StageOutput, type Step } from './step';
import { weightAccess, withoutReadingAhead, type ActivationRounding } from './weight-access';

export interface CpuEngineOptions {
  /** Stays the caller's to close. */
  readonly model: ModelFile;
  readonly hparams: HParams;
  /** Stays the caller's to dispose: two arms may share one. */
  readonly pool: CpuPool;
  readonly hooks?: EngineHooks | undefined;
}

/**
 * The exact reference arm: weights dequantised exactly, every product and sum in f64, activations f64 from stage to stage, taps
 * rounded to f32. Captured positions are prompt positions: those of a continued step start at `nPast`.
 * @throws TracerError from its methods: `prompt-token`, `plan-range`, those of `findWeight` and of the pool, `run-cancelled`.
 */
export function createCpuEngine(options: CpuEngineOptions): IsolatingEngine {
  return createArm('cpu', options, (_type, x) => x);
}

const BOUNDS: Record<ActiveStageId, BoundFunction> = { ...LAYER_BOUNDS, ...MODEL_BOUNDS };

/** An arm with the reference's arithmetic and its own treatment of activations in front of each matrix. */
export function createArm(arm: ArmId, options: CpuEngineOptions, rounding: ActivationRounding): IsolatingEngine {
  const { model, hparams, pool, hooks } = options;
  const noCache: LayerCache = { keys: new Float64Array(0), values: new Float64Array(0) };
  const cache = createKvCache(hparams.kvDim);
  let tokens = new Uint32Array(0);
  let nPast = 0;
  /** Positions whose keys and values are kept. */
  let kept = 0;
  let ropeTables: readonly RopeTable[] = [];
  let residual: Float64Array<ArrayBuffer> | undefined;
  let nextLayer = 0;

  /** Computes stages in order and captures them. `last`: what the last one of them computed. */
  const runStages = async (
    layer: number | undefined,
    stages: readonly (readonly [ActiveStageId, (step: Step) => StageOutput | Promise<StageOutput>])[],
    stepOptions: StepOptions,
    fed: Pick<Step, 'cache' | 'values'>,
    alone = false,
  ): Promise<{ readonly result: StepResult; readonly last: Float64Array<ArrayBuffer> | undefined }> => {
    const started = performance.now();
    const { signal } = stepOptions;
    throwIfAborted(signal);
    checkCapture(stepOptions.capture, nPast, tokens.length);
    let bytesRead = 0;
    const onRead = (tensor: string, bytes: number): void => {
      bytesRead += bytes;
      hooks?.onRead?.(tensor, bytes);
    };
    const weights = weightAccess({ model, hparams, pool, rounding }, layer, tokens.length, { signal, onRead });
    const step: Step = {
      hparams,
      tokens,
      nTokens: tokens.length,
      nPast,
      options: stepOptions,
      // Stages that run alone may leave out the one that would use what is read ahead.
      weights: alone ? withoutReadingAhead(weights) : weights,
      ropeTables,
      ...fed,
      pause: breather(signal),
    };
    const taps = new Map<StageId, Tap>();
    let last: Float64Array<ArrayBuffer> | undefined;
    for (const [stage, compute] of stages) {
      const output = await compute(step);
      const wanted = stepOptions.bounds === true && capturedPositions(step, stage).length > 0;
      const tap = captureTap(step, stage, layer, output, wanted ? await BOUNDS[stage](step, output) : undefined);
      if (tap !== undefined) taps.set(stage, tap);
      step.values.keep(stage, output);
      step.values.release(stage);
      if (output.values instanceof Float64Array) last = output.values;
      if (step.pause.due()) await step.pause.breathe();
    }
    throwIfAborted(signal);
    return { result: { taps, ms: performance.now() - started, bytesRead }, last };
  };

  /** A step that feeds itself. */
  const own = (layer: number | undefined): Pick<Step, 'cache' | 'values'> => ({
    cache: layer === undefined ? noCache : cache.layer(layer),
    values: stageValues(residual),
  });

  return {
    arm,

    async begin(newTokens, past, stepOptions) {
      checkTokens(newTokens, hparams.nVocab);
      if (past > kept) {
        throw fail(
          'internal',
          `Only ${kept} positions are kept; ${past} were asked for.`,
          'Begin afresh with nPast 0.',
        );
      }
      tokens = newTokens.slice();
      nPast = past;
      kept = past;
      residual = undefined;
      ropeTables = Array.from(tokens, (_, t) => ropeTable(past + t, hparams.ropeTheta, hparams.headDim));
      cache.reserve(past + tokens.length);
      const { result, last } = await runStages(
        undefined,
        [['embedding', MODEL_STAGE_FUNCTIONS.embedding]],
        stepOptions,
        own(undefined),
      );
      residual = last;
      nextLayer = 0;
      return result;
    },

    async layer(layer, stepOptions) {
      if (residual === undefined || layer !== nextLayer) {
        throw fail('internal', `Layer ${layer} was asked for out of turn.`, 'Call begin, then the layers in order.');
      }
      const stages = LAYER_STAGES.map((id) => [id, LAYER_STAGE_FUNCTIONS[id]] as const);
      const { result, last } = await runStages(layer, stages, stepOptions, own(layer));
      residual = last;
      nextLayer = layer + 1;
      if (nextLayer === hparams.nLayer) kept = nPast + tokens.length;
      return result;
    },

    async end(stepOptions) {
      if (residual === undefined || nextLayer !== hparams.nLayer) {
        throw fail('internal', 'The end was asked for before every layer was done.', 'Call begin, then every layer.');
      }
      const wanted = (id: 'final_norm' | 'lm_head'): boolean =>
        capturedPositions({ options: stepOptions }, id).length > 0;
      const stages = [
        ...(wanted('final_norm') || wanted('lm_head')
          ? [['final_norm', MODEL_STAGE_FUNCTIONS.final_norm] as const]
          : []),
        ...(wanted('lm_head') ? [['lm_head', MODEL_STAGE_FUNCTIONS.lm_head] as const] : []),
      ];
      return (await runStages(undefined, stages, stepOptions, own(undefined))).result;
    },

    async isolate(layer, reference, stepOptions) {
      if (nPast > 0) {
        throw fail('internal', 'A continued prompt cannot be isolated on the CPU.', 'Begin with the whole prompt.');
      }
      const scope: readonly ActiveStageId[] = layer === undefined ? MODEL_STAGES : LAYER_STAGES;
      const stages = scope
        .filter((id) => capturedPositions({ options: stepOptions }, id).length > 0)
        .map((id) => [id, ISOLATED_STAGE_FUNCTIONS[id]] as const);
      const values = referenceValues(reference);
      const fed = { values, cache: referenceCache(reference, values, hparams) };
      return (await runStages(layer, stages, { ...stepOptions, bounds: false }, fed, true)).result;
    },

    dispose() {
      residual = undefined;
      return Promise.resolve();
    },
  };
}
