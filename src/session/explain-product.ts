import { throwIfAborted } from '../base/abort';
import { LARGEST_F32 } from '../base/f32-error';
import { tensorRow, type BoundFloats } from '../arch/bind';
import { ggmlActivations } from '../cpu/ggml/activations';
import { affine, affineBound, type Affine, type FloatsByExpert } from '../ops/linear/affine';
import { matmulBound } from '../ops/linear/bound';
import { readingText, type Cause, type Reading } from '../divergence/cause';
import { dequantizeRows } from '../gguf/dequant/dequantisers';
import { ggmlType, QUANT_TYPES, rowBytes, type QuantType } from '../gguf/ggml-types';
import type { ModelFile } from '../gguf/model-file';
import type { HParams } from '../model/hparams';
import type { WeightTensor } from '../gguf/tensor-rows';
import { boundWeight } from '../model/bound-weights';
import type { WeightRole } from '../model/stages';
import type { ProductSample } from './product-sample';

/** Errors of every row below this share of sum |w x| are lost digits (half precision: 2^-11 a rounding); another weight's are tenths. */
const CLOSE = 2 ** -6;

/** A way to misread a weight: which bytes, as which type. */
interface Misreading {
  readonly what: Reading;
  readonly tensor: WeightTensor;
  readonly type: QuantType;
  /** Byte inside the tensor where row `row` begins. */
  readonly offset: (row: number) => number;
  /** What the rows are multiplied with, where that is another token's. */
  readonly x?: ProductSample['x'];
}

/**
 * What the wrong values of a product look like: whether reading the weight in another way (as another type, as another expert's or another
 * tensor's, one row off), or another token's input, gives them within the bound of an honest product. A few rows of the file are read.
 * Undefined where the right product leaves f32 by itself: no weight is misread then.
 * @throws TracerError as `ModelFile.readTensor`; `run-cancelled`.
 */
export async function explainProduct(
  sample: ProductSample,
  model: ModelFile,
  hparams: HParams,
  signal?: AbortSignal,
): Promise<Cause | undefined> {
  const alone = sample.wrong < sample.nOut ? { rows: { wrong: sample.wrong, of: sample.nOut } } : {};
  if (sample.actual.every((value) => value === 0)) {
    return { code: 'not-computed', parameters: {}, proven: true, ...alone };
  }
  if (sample.share < CLOSE && 2 * sample.wrong > sample.nOut) {
    return { code: 'low-precision', parameters: { share: sample.share }, proven: true, ...alone };
  }
  const then = await beside(sample, model, hparams, signal);
  if (!sample.actual.some(Number.isFinite) && (await overflows(sample, model, hparams, signal))) return undefined;
  const found = new Map<string, Reading>();
  const finite = sample.actual.some(Number.isFinite);
  for (const reading of readingsOf(sample, model, hparams)) {
    throwIfAborted(signal);
    const name = readingText(reading.what);
    if (found.has(name) || !(await gives(reading, sample, then, model, signal))) continue;
    if (finite) return { ...reading.what, proven: true, ...alone };
    found.set(name, reading.what);
  }
  // Values that are not finite fit any reading that is not: plausible, no proof.
  const [first, ...alternatives] = found.values();
  if (first === undefined && finite && sample.share <= BF16_PRODUCT)
    return { code: 'low-precision', parameters: { share: sample.share }, proven: true, ...alone };
  if (first === undefined) return { code: 'unexplained', parameters: {}, proven: false, ...alone };
  return { ...first, proven: false, ...alone, ...(alternatives.length === 0 ? {} : { alternatives }) };
}

/**
 * What rounding both operands of a product to bf16 may change, of the sum of its terms' magnitudes. Of few rows, a larger error is as often that of one wrong weight
 * (a flipped bit) as of fewer digits.
 */
const BF16_PRODUCT = 2 ** -8;

/** Whether the right weights, and what was multiplied with them, make sums that f32 does not hold. */
async function overflows(
  { role, layer, expert = 0, x, rows }: ProductSample,
  model: ModelFile,
  hparams: HParams,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const weight = boundWeight(model, hparams, role, layer);
  const { type } = weight.tensor;
  const w = new Float32Array(x.length);
  for (const row of rows) {
    const length = rowBytes(type, x.length);
    const at = tensorRow(weight, expert, row) * length;
    dequantizeRows(type, await model.readTensor(weight.tensor, at, length, signal), 0, w, 0, x.length);
    let magnitude = 0;
    for (const [j, value] of w.entries()) magnitude += Math.abs(value * (x[j] ?? 0));
    if (!(magnitude > LARGEST_F32) || magnitude === Infinity) return false;
  }
  return true;
}

/** Likely readings first. */
function* readingsOf(sample: ProductSample, model: ModelFile, hparams: HParams): Generator<Misreading> {
  const { role, layer } = sample;
  const weight = boundWeight(model, hparams, role, layer);
  const { tensor, nIn, nExpert } = weight;
  const { type } = tensor;
  const expert = sample.expert ?? 0;
  // Rows of the tensor: others' may stand before and between.
  const first = tensorRow(weight, expert, 0);
  const own = rowBytes(type, nIn);
  for (const other of QUANT_TYPES) {
    if (other === type || nIn % ggmlType(other).blockSize !== 0) continue;
    const wrong = rowBytes(other, nIn);
    const what: Reading = { code: 'read-as-type', parameters: { type: other } };
    yield { what, tensor, type: other, offset: (row) => (first + row) * wrong };
    yield { what, tensor, type: other, offset: (row) => first * own + row * wrong };
    yield { what, tensor, type: other, offset: (row) => (first + row) * own };
  }
  for (const { position, x } of sample.others ?? []) {
    const what: Reading = { code: 'other-input', parameters: { position } };
    yield { what, tensor, type, offset: (row) => (first + row) * own, x };
  }
  for (const shift of [1, -1]) {
    const what: Reading = { code: 'other-row', parameters: { shift } };
    yield { what, tensor, type, offset: (row) => (first + row + shift) * own };
  }
  for (let other = 0; other < nExpert; other++) {
    if (other === expert) continue;
    const what: Reading = { code: 'other-expert', parameters: { expert: other } };
    yield { what, tensor, type, offset: (row) => tensorRow(weight, other, row) * own };
  }
  for (const sibling of siblingsOf(role)) {
    const other = boundWeight(model, hparams, sibling, layer);
    if (other.nIn !== nIn || other.nOut !== weight.nOut) continue;
    const bytes = rowBytes(other.tensor.type, nIn);
    const what: Reading = { code: 'other-tensor', parameters: { tensor: other.slot.name } };
    yield {
      what,
      tensor: other.tensor,
      type: other.tensor.type,
      offset: (row) => tensorRow(other, expert, row) * bytes,
    };
  }
}

/** Weights that are easily taken for one another. */
function siblingsOf(role: WeightRole): readonly WeightRole[] {
  const groups: readonly (readonly WeightRole[])[] = [
    ['ffn_gate_exps', 'ffn_up_exps'],
    ['attn_k', 'attn_v', 'attn_q'],
    ['output', 'token_embd'],
  ];
  return groups.find((group) => group.includes(role))?.filter((other) => other !== role) ?? [];
}

/** What stands beside the sample's weight and follows its products. */
async function beside(
  { role, layer }: ProductSample,
  model: ModelFile,
  hparams: HParams,
  signal: AbortSignal | undefined,
): Promise<Affine> {
  const { scale, bias } = boundWeight(model, hparams, role, layer);
  const read = async ({ vector, ...where }: BoundFloats): Promise<FloatsByExpert> => {
    const { tensor } = vector;
    const values = new Float32Array(tensor.elements);
    dequantizeRows(tensor.type, await model.readTensor(tensor, 0, tensor.bytes, signal), 0, values, 0, values.length);
    return { values, ...where };
  };
  return { scale: scale && (await read(scale)), bias: bias && (await read(bias)) };
}

/** Whether a reading gives every sampled value, and there are enough of them not to be chance. */
async function gives(
  reading: Misreading,
  sample: ProductSample,
  then: Affine,
  model: ModelFile,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { rows, actual, nOut } = sample;
  const given = reading.x ?? sample.x;
  if (rows.length < Math.min(2, nOut)) return false;
  const x =
    sample.arithmetic === 'q8-activations'
      ? Float32Array.from(ggmlActivations(reading.type, Float64Array.from(given)))
      : given;
  const w = new Float32Array(x.length);
  for (const [i, row] of rows.entries()) {
    const value = actual[i] ?? NaN;
    const bytes = await readRow(reading, row, x.length, model, signal);
    if (bytes === undefined) return false;
    dequantizeRows(reading.type, bytes, 0, w, 0, x.length);
    if (!isProduct(value, w, x, { row, expert: sample.expert ?? 0, ...then })) return false;
  }
  return true;
}

/** The row's bytes; beyond the tensor's end zeros. Undefined where it begins outside. */
async function readRow(
  { tensor, type, offset }: Misreading,
  row: number,
  nIn: number,
  model: ModelFile,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const at = offset(row);
  const length = rowBytes(type, nIn);
  if (at < 0 || at >= tensor.bytes) return undefined;
  const read = await model.readTensor(tensor, at, Math.min(length, tensor.bytes - at), signal);
  if (read.length === length) return read;
  const bytes = new Uint8Array(length);
  bytes.set(read);
  return bytes;
}

/** Whether an honest f32 kernel can have made `value` of sum_j w_j x_j. A sum that is not finite can be any such value. */
function isProduct(
  value: number,
  w: Float32Array,
  x: Float32Array,
  { scale, bias, row, expert }: Affine & { readonly row: number; readonly expert: number },
): boolean {
  let sum = 0;
  let magnitude = 0;
  for (const [j, weight] of w.entries()) {
    const term = weight * (x[j] ?? 0);
    sum += term;
    magnitude += Math.abs(term);
  }
  if (!Number.isFinite(value) || !Number.isFinite(sum)) return !Number.isFinite(value) && !Number.isFinite(sum);
  const product = { values: Float64Array.of(sum), magnitudes: Float64Array.of(magnitude) };
  if (scale === undefined && bias === undefined) {
    const [bound = 0] = matmulBound(product.values, product.magnitudes, x.length);
    return Math.abs(value - sum) <= bound;
  }
  const own = Uint32Array.of(expert);
  const then = { scale, bias: bias && { ...bias, first: bias.first + row } };
  const { values, magnitudes } = affine(product, then, 1, own);
  const [bound = 0] = affineBound({ values, magnitudes }, then, { n: x.length, nOut: 1, experts: own });
  return Math.abs(value - (values[0] ?? NaN)) <= bound;
}
