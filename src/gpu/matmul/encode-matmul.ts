import { fail } from '../../base/errors';
import type { QuantType } from '../../gguf/ggml-types';
import type { GpuContext } from '../device';
import { MAX_GROUPS, type Grid } from '../../ops/kernel-grid';
import type { ParamsOf } from '../../ops/kernel-params';
import { getPipeline, type Pipeline } from '../pipelines';
import type { BufferRange, Recorder } from '../recorder';
import { chooseMethod, type MatmulDevice, type MatmulShape } from './choose-method';
import { subgroupLanes } from './subgroup-lanes';
import { DEQUANT_ROWS, matmulVariant, typeVariant, type MatmulKernel, type MatmulMethod } from './variants';
import { CHUNK, gpuRowWords } from '../../ops/weight-layout';

/** A product ready to be recorded: compiled, and told how wide its work list's entries may be. */
export interface Matmul {
  readonly shape: MatmulShape;
  readonly method: MatmulMethod;
  /** Most rows of an entry: what `workList` is to be given. */
  readonly tile: number;
  readonly pipeline: Pipeline<MatmulKernel>;
  /** Rows of W that one workgroup computes. */
  readonly rowsPerGroup: number;
  /** Rows of x must begin at multiples of this many elements. */
  readonly xAlignment: 1 | 4;
}

export interface MatmulBindings {
  readonly x: BufferRange;
  readonly weights: BufferRange;
  readonly y: BufferRange;
  /** The two buffers of a `WorkList`. */
  readonly entries: BufferRange;
  readonly rows: BufferRange;
}

/** Where rows lie, in elements: row r of x begins at r * xStride + xOffset. */
export interface MatmulStrides {
  readonly xStride: number;
  readonly xOffset?: number;
  readonly yStride: number;
  readonly yOffset?: number;
}

/**
 * Compiles the variant that fits the shape and the device (once for each device), or the one asked for.
 * Rows of x must begin on 16 bytes, whatever the device, when nIn is a multiple of 32; only `naive` takes any.
 * @throws TracerError `gpu-shader`, `gpu-limit`.
 */
export async function prepareMatmul(context: GpuContext, shape: MatmulShape, method?: MatmulMethod): Promise<Matmul> {
  const chosen = method ?? (await autoMethod(context, shape));
  return { shape, ...(await compiled(context, shape.type, chosen)) };
}

/** What each product of each layer asks for again: its variant is put together once, and found by what it is then (`getPipeline`). */
const variants = new Map<string, ReturnType<typeof matmulVariant>>();

async function compiled(context: GpuContext, type: QuantType, method: MatmulMethod): Promise<Omit<Matmul, 'shape'>> {
  const key = methodKey(type, method);
  const known = variants.get(key) ?? matmulVariant(type, method);
  variants.set(key, known);
  const { kernel, variant, rowsPerGroup } = known;
  const pipeline = await getPipeline(context, kernel, variant);
  return { method, tile: method.tile, pipeline, rowsPerGroup, xAlignment: xAlignment(method) };
}

function methodKey(type: QuantType, method: MatmulMethod): string {
  const { kind, tile } = method;
  switch (kind) {
    case 'naive':
    case 'lane':
      return `${type} ${kind} ${tile}`;
    case 'tile':
      return `${type} ${kind} ${tile} ${method.laneRows}`;
    case 'workgroup':
    case 'subgroup':
      return `${type} ${kind} ${tile} ${method.laneGroupRows} ${method.lanes}`;
  }
}

/** Elements at multiples of which a method wants rows of x to begin. */
export function xAlignment({ kind }: MatmulMethod): 1 | 4 {
  return kind === 'naive' ? 1 : 4;
}

/** The method that {@link prepareMatmul} chooses. */
export async function autoMethod(context: GpuContext, shape: MatmulShape): Promise<MatmulMethod> {
  return chooseMethod(shape, await matmulDevice(context));
}

/** What a method is chosen by, beside the shape. */
export async function matmulDevice(context: GpuContext): Promise<MatmulDevice> {
  const { isSoftware } = context.card;
  return { isSoftware, subgroupLanes: isSoftware ? 0 : await subgroupLanes(context) };
}

/**
 * Records y[yRow * yStride + yOffset + o] = sum over k of W[o][k] * x[xRow * xStride + xOffset + k] for all rows of the work list.
 * f32 accumulators, an order of summation that depends on the shape only: the same bits on every run.
 * @throws TracerError `gpu-limit` for more than 65,535 entries. RangeError where x lies as {@link prepareMatmul} forbids.
 */
export function encodeMatmul(
  recorder: Recorder,
  matmul: Matmul,
  bindings: MatmulBindings,
  strides: MatmulStrides,
  entryCount: number,
): void {
  const { params, grid } = matmulCall(matmul, strides, entryCount);
  recorder.dispatch(matmul.pipeline, { ...bindings }, params, grid);
}

/**
 * What {@link encodeMatmul} tells the kernel.
 * @throws TracerError `gpu-limit` for more than 65,535 entries. RangeError where x lies as {@link prepareMatmul} forbids.
 */
export function matmulCall(
  { shape, rowsPerGroup, xAlignment }: Pick<Matmul, 'shape' | 'rowsPerGroup' | 'xAlignment'>,
  { xStride, xOffset = 0, yStride, yOffset = 0 }: MatmulStrides,
  entryCount: number,
): { readonly params: ParamsOf<MatmulKernel['params']>; readonly grid: Grid } {
  if (xStride % xAlignment !== 0 || xOffset % xAlignment !== 0) {
    throw new RangeError(
      `rows of x at ${xOffset} + r * ${xStride} do not begin at multiples of ${xAlignment} elements`,
    );
  }
  const { type, nIn, nOut } = shape;
  const params = { nIn, nOut, rowVec4s: gpuRowWords(type, nIn) / 4, xStride, xOffset, yStride, yOffset };
  return { params, grid: rowsGrid(Math.ceil(nOut / rowsPerGroup), entryCount) };
}

/** Compiles {@link encodeDequantRows} for a type. */
export function prepareDequantRows(context: GpuContext, type: QuantType): Promise<Pipeline<typeof DEQUANT_ROWS>> {
  return getPipeline(context, DEQUANT_ROWS, typeVariant(type));
}

/** Records y[i] = row rows[i] of W, dequantised to f32: y is (count, nIn). */
export function encodeDequantRows(
  recorder: Recorder,
  pipeline: Pipeline<typeof DEQUANT_ROWS>,
  bindings: { readonly rows: BufferRange; readonly weights: BufferRange; readonly y: BufferRange },
  { type, nIn, count }: { readonly type: QuantType; readonly nIn: number; readonly count: number },
): void {
  const { params, grid } = dequantCall(type, nIn, count);
  recorder.dispatch(pipeline, bindings, params, grid);
}

/** What {@link encodeDequantRows} tells the kernel. */
export function dequantCall(
  type: QuantType,
  nIn: number,
  count: number,
): { readonly params: ParamsOf<(typeof DEQUANT_ROWS)['params']>; readonly grid: Grid } {
  const params = { nIn, rowVec4s: gpuRowWords(type, nIn) / 4 };
  return { params, grid: rowsGrid(Math.ceil(nIn / CHUNK / 64), count) };
}

/** Workgroups along the rows of W fold from x into z; entries lie along y. */
function rowsGrid(groups: number, entries: number): Grid {
  if (entries > MAX_GROUPS) {
    throw fail(
      'gpu-limit',
      `A product of ${entries} work-list entries does not fit one dispatch of ${MAX_GROUPS}.`,
      'Use a shorter prompt.',
      { expected: MAX_GROUPS, actual: entries },
    );
  }
  const z = Math.ceil(groups / MAX_GROUPS);
  return [Math.ceil(groups / z), entries, z];
}
