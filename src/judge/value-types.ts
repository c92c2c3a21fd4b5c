import { HALF_UNIT } from '../base/f32-error';
import { roundToBf16, roundToF16 } from '../base/float';
import type { Captures } from '../divergence/compare-step';
import { stageNode } from '../model/graph-of';
import type { HParams } from '../model/hparams';
import type { StageId } from '../model/stages';
import type { ArithmeticId } from './arithmetics';

/*
 * Models that run in 16 bits keep every value in them: PyTorch rounds what each of its operations gives. Which type that is the values say, also
 * those of a dump that holds them as f32.
 */

/** A 16-bit type that an engine keeps its values in. */
export interface ValueType {
  /** The arithmetic of an engine whose values are of this type: its operands are, too. */
  readonly id: ArithmeticId;
  /** Largest relative error of rounding to it. */
  readonly unit: number;
  readonly round: (value: number) => number;
}

const VALUE_TYPES: readonly ValueType[] = [
  { id: 'bf16-inputs', unit: 2 ** -8, round: roundToBf16 },
  { id: 'f16-inputs', unit: 2 ** -11, round: roundToF16 },
];

/** So many values that are no power of two are in a 16-bit type by chance once in 2^(13 x 8) dumps and less. */
const ENOUGH = 8;

/** Bits of f32 that a power of two has none of. */
const MANTISSA = 0x007f_ffff;

/**
 * Roundings of one operation: of a norm the normed value's and its product's with the weight, of a gated activation the gate's too, of a product with a bias
 * behind it both.
 */
const ROUNDINGS = 2;
/** Of the clamped activation: gate by alpha, sigmoid, their product, up + 1, and the product of both. */
const CLAMPED_ROUNDINGS = 5;

/** Sums and differences that are formed in the type itself, so that each step rounds: their error is in proportion to f32's. */
const SUMMED: ReadonlySet<string> = new Set(['weighted-sum', 'rope']);

/**
 * The type of what an engine captured, by stage, where all that it captured of a step is of one: a kernel that adds up in f16 gives values of it among others
 * in f32. Rows of a table are copied, and say nothing of what is computed in.
 */
export function valueTypes(own: Captures, hparams: HParams): ReadonlyMap<StageId, ValueType> {
  const computed = [...own].flatMap(([stage, { layer, data }]) =>
    data instanceof Float32Array && stageNode(hparams, stage, layer)?.op !== 'rows' ? [{ stage, data }] : [],
  );
  const type = VALUE_TYPES.find((one) => computed.every(({ data }) => isOf(data, one)));
  if (type === undefined || !areTelling(computed.map(({ data }) => data))) return new Map();
  return new Map(computed.map(({ stage }) => [stage, type] as const));
}

/** Whether enough values are no power of two, which any type holds. */
function areTelling(all: readonly Float32Array[]): boolean {
  let telling = 0;
  for (const { buffer, byteOffset, length } of all) {
    for (const bits of new Uint32Array(buffer, byteOffset, length)) {
      if ((bits & MANTISSA) !== 0 && ++telling >= ENOUGH) return true;
    }
  }
  return false;
}

/** Values of f32 end this with the first. */
function isOf(data: Float32Array, { round }: ValueType): boolean {
  return data.every((value) => Number.isNaN(value) || round(value) === value);
}

/** Exact values with the bounds of an engine that rounds its own to these types: f32's, and what rounding the result adds. */
export function withValueTypes(truth: Captures, types: ReadonlyMap<StageId, ValueType>, hparams: HParams): Captures {
  return new Map(
    [...truth].map(([stage, captured]) => {
      const unit = types.get(stage)?.unit;
      const { bound, data } = captured;
      if (unit === undefined || bound === undefined) return [stage, captured] as const;
      const op = stageNode(hparams, stage, captured.layer)?.op ?? '';
      const scale = SUMMED.has(op) ? unit / HALF_UNIT : 1;
      const own = (1 + unit) ** (op === 'swiglu-clamped' ? CLAMPED_ROUNDINGS : ROUNDINGS) - 1;
      const wider = bound.map((f32, i) => scale * f32 + own * (Math.abs(data[i] ?? 0) + f32));
      return [stage, { ...captured, bound: wider }] as const;
    }),
  );
}
