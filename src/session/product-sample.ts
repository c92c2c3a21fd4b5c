import { additions, gamma, type SumOrder } from '../base/f32-error';
import type { Row } from '../divergence/report';
import type { Capture } from '../model/engine';
import type { HParams } from '../model/hparams';
import { stageIn } from '../model/graph-of';
import { stageSpec, type StageId, type WeightRole } from '../model/stages';
import { CHOSEN_EXPERTS } from '../model/stage-roles';

/** Rows of a wrong product that are kept to be looked into. */
const SAMPLED = 6;

/** A few values of a product that came out wrong although its input was right, with that input. */
export interface ProductSample {
  readonly layer: number | undefined;
  readonly stage: StageId;
  readonly role: WeightRole;
  /** The expert that was due; undefined for a product with one matrix. */
  readonly expert: number | undefined;
  /** (nIn): what the matrix was multiplied with. */
  readonly x: Float32Array<ArrayBuffer>;
  /** The same of other tokens: the ones beside it, and the first. */
  readonly others?: readonly { readonly position: number; readonly x: Float32Array<ArrayBuffer> }[];
  /** Rows of the matrix whose values are wrong, and those values; finite ones where there are any. */
  readonly rows: readonly number[];
  readonly actual: readonly number[];
  /** How many of the matrix's rows came out wrong, of how many. */
  readonly wrong: number;
  readonly nOut: number;
  /** What the engine makes of x first, where that is not known to be nothing; absent: one of this program's own engines. */
  readonly arithmetic?: 'f32' | 'q8-activations';
  /** Largest error as a share of sum |w x|, the magnitude that the sum passes through. */
  readonly share: number;
}

type Captures = ReadonlyMap<StageId, Capture>;

/**
 * Takes a sample where an isolated product is worst. Undefined where the row is no wrong product, or its input was not captured.
 * @param order how the candidate adds up products @param actual the isolated captures of the candidate @param reference captures with bounds; inputs at all positions
 */
export function sampleProduct(
  row: Row,
  actual: Captures,
  reference: Captures,
  hparams: HParams,
  order: SumOrder,
): ProductSample | undefined {
  const spec = stageIn(hparams, row.stage, row.layer);
  if (spec.operation !== 'linear' && spec.operation !== 'expert-linear') return undefined;
  const index =
    row.verdict === 'nan-gpu' ? row.firstNonFiniteA : row.verdict === 'diverge' ? row.maxRatioIndex : undefined;
  const captureA = actual.get(row.stage);
  const captureB = reference.get(row.stage);
  const [position, slot = 0] = index ?? [];
  const [role] = spec.weights;
  if (position === undefined || role === undefined || captureA === undefined || captureB === undefined)
    return undefined;
  const perSlot = spec.operation === 'expert-linear';
  const x = inputRow(spec.inputs, reference, position, perSlot ? slot : undefined);
  if (x === undefined) return undefined;

  const others = [...new Set([position - 1, position + 1, 0])].flatMap((at) => {
    const other = at === position ? undefined : inputRow(spec.inputs, reference, at, perSlot ? slot : undefined);
    return other === undefined ? [] : [{ position: at, x: other }];
  });
  const width = captureA.shape.at(-1) ?? 1;
  const slots = perSlot ? hparams.nExpertUsed : 1;
  const own = perSlot ? slot : 0;
  const atA = (captureA.positions.indexOf(position) * slots + own) * width;
  const atB = (captureB.positions.indexOf(position) * slots + own) * width;
  const wrong: number[] = [];
  let ratio = 0;
  for (let c = 0; c < width; c++) {
    const value = captureA.data[atA + c] ?? NaN;
    const error = Math.abs(value - (captureB.data[atB + c] ?? NaN));
    const bound = captureB.bound?.[atB + c] ?? 0;
    if (error <= bound) continue;
    wrong.push(c);
    ratio = Math.max(ratio, error / bound);
  }
  const finite = wrong.filter((c) => Number.isFinite(captureA.data[atA + c]));
  // What is not finite tells little: it is taken only where there is hardly anything else.
  const sampled = finite.length > 1 ? spread(finite, SAMPLED) : [...new Set([...finite, ...spread(wrong, SAMPLED)])];
  const experts = reference.get(CHOSEN_EXPERTS);
  const expert = experts?.data[experts.positions.indexOf(position) * hparams.nExpertUsed + slot];
  return {
    layer: row.layer,
    stage: row.stage,
    role,
    expert: perSlot ? expert : undefined,
    x,
    others,
    rows: sampled,
    actual: sampled.map((c) => captureA.data[atA + c] ?? NaN),
    wrong: wrong.length,
    nOut: width,
    // The bound of a product is gamma_a sum |w x| of a additions, give or take a few roundings.
    share: ratio * gamma(additions(x.length, order)),
  };
}

/** The row of x that a product met: of the stage's first input, a row a token or a row a slot. */
function inputRow(
  inputs: readonly string[],
  reference: Captures,
  position: number,
  slot: number | undefined,
): Float32Array<ArrayBuffer> | undefined {
  const captured = [...reference.values()].find(({ stage }) => stage === inputs[0]);
  const row = captured?.positions.indexOf(position) ?? -1;
  if (captured === undefined || row < 0) return undefined;
  const width = captured.shape.at(-1) ?? 1;
  const hasSlots = stageSpec(captured.stage).shape.includes('nExpertUsed');
  const at = (hasSlots ? row * (captured.shape[1] ?? 1) + (slot ?? 0) : row) * width;
  return Float32Array.from(captured.data.subarray(at, at + width));
}

/** At most `count` of the items, evenly spread, the first among them. */
function spread(items: readonly number[], count: number): readonly number[] {
  const step = Math.max(1, items.length / count);
  return items.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step)).slice(0, count);
}
