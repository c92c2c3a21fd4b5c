import type { Tap } from '../../model/engine';
import type { HParams } from '../../model/hparams';
import { stageSpec, type ActiveStageId, type Dim } from '../../model/stages';
import { capturedPositions, type StageOutput, type Step } from './step';

/**
 * The tap of a stage: the captured positions, rounded to f32. Undefined when the stage is not captured.
 * @param bound largest absolute errors, laid out as `output.values`
 */
export function captureTap(
  step: Step,
  stage: ActiveStageId,
  layer: number | undefined,
  output: StageOutput,
  bound: Float64Array | undefined,
): Tap | undefined {
  const positions = capturedPositions(step, stage);
  if (positions.length === 0) return undefined;
  const shape = stageSpec(stage).shape.map((dim) => dimSize(dim, step, positions.length));
  const picked = pick(output.values, step, output.tokens, positions);
  const data = picked instanceof Float64Array ? new Float32Array(picked) : picked.slice();
  const exact = step.options.exact === true && picked instanceof Float64Array ? { exact: picked.slice() } : {};
  const tap: Tap = { stage, layer, positions, shape, data, ...exact };
  if (bound === undefined) return tap;
  return { ...tap, bound: roundUp(pick(bound, step, output.tokens, positions)) };
}

/** Rows of the captured positions. Outputs that hold only those are taken as they are. */
function pick<T extends Float64Array | Uint32Array>(
  values: T,
  step: Step,
  tokens: StageOutput['tokens'],
  positions: readonly number[],
): T | Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> {
  if (tokens === 'captured' || positions.length === step.nTokens) return values;
  const width = values.length / step.nTokens;
  const length = positions.length * width;
  const out = values instanceof Float64Array ? new Float64Array(length) : new Uint32Array(length);
  for (const [i, position] of positions.entries()) {
    const from = (position - step.nPast) * width;
    out.set(values.subarray(from, from + width), i * width);
  }
  return out;
}

function dimSize(dim: Dim, step: Step, positions: number): number {
  switch (dim) {
    case 'nTokens':
      return positions;
    case 'nKeys':
      return step.nPast + step.nTokens;
    case 'qkvDim':
      return step.hparams.qDim + 2 * step.hparams.kvDim;
    default:
      return sizeOf(step.hparams, dim);
  }
}

function sizeOf(hparams: HParams, dim: Exclude<Dim, 'nTokens' | 'nKeys' | 'qkvDim'>): number {
  return hparams[dim];
}

/** Bounds as f32 that are never below: the nearest f32, or one or two steps above it. */
function roundUp(bounds: Float64Array | Uint32Array): Float32Array<ArrayBuffer> {
  const out = new Float32Array(bounds);
  for (let i = 0; i < out.length; i++) if (out[i]! < bounds[i]!) out[i] = bounds[i]! * (1 + 2 ** -23) + 2 ** -149;
  return out;
}
