import type { LlamaLibrary } from './library';
import { layoutError } from './layout-error';
import {
  measureTensorLayout,
  PROBE_NAME,
  PROBE_SCALE,
  PROBE_SHAPE,
  PROBE_TYPES,
  PROBE_VIEW_OFFSET,
  type ProbeTensor,
  type TensorLayout,
} from './tensor-layout';

/** Where an operation keeps the parameters that the file decides: byte offsets in `op_params`. */
export interface ParameterLayout {
  readonly eps: number;
  readonly softMaxScale: number;
  readonly ropeDims: number;
  readonly ropeMode: number;
  readonly ropeBase: number;
  readonly ropeScale: number;
  /** Undefined where the library has no such operation. */
  readonly clampMin: number | undefined;
  readonly glu: { readonly alpha: number; readonly limit: number } | undefined;
}

const ARENA_BYTES = 1 << 16;
/** In front of each tensor that `ggml_init`'s arena holds stands `ggml_object`. */
const OBJECT_BYTES = 32;
const CPU_DEVICE = 0;
/** Parameters that occur nowhere else in `op_params`. */
const PARAMETERS = {
  dims: 6,
  mode: 2,
  context: 4099,
  base: 12_345,
  scale: 0.625,
  eps: 0.375,
  alpha: 1.375,
  limit: 7.625,
} as const;

/** Measures the library's layouts on throw-away tensors. @throws TracerError `engine-layout` */
export function probeLayouts(library: LlamaLibrary): {
  readonly tensor: TensorLayout;
  readonly parameters: ParameterLayout;
} {
  const { call } = library;
  const size = Number(call('ggml_tensor_overhead')) - OBJECT_BYTES;
  if (!(size > 0 && size < 4096)) throw layoutError('ggml_tensor', `${size} bytes`);
  const context = call('ggml_init', { mem_size: ARENA_BYTES, mem_buffer: null, no_alloc: true });
  const [n0, n1, n2, n3] = PROBE_SHAPE;
  const make4d = (type: number): unknown => call('ggml_new_tensor_4d', context, type, n0, n1, n2, n3);
  const plain = make4d(PROBE_TYPES.f16);
  const other = make4d(PROBE_TYPES.f16);
  const f32 = call('ggml_new_tensor_4d', context, PROBE_TYPES.f32, 8, 2, 3, 1);
  const i32 = call('ggml_new_tensor_1d', context, PROBE_TYPES.i32, 3);
  call('ggml_set_name', plain, PROBE_NAME);
  const sum = call('ggml_add', context, plain, other);
  const view = call('ggml_view_1d', context, plain, 3, PROBE_VIEW_OFFSET);
  const scaled = call('ggml_scale', context, f32, PROBE_SCALE);
  const { dims, mode, context: trained, base, scale, eps, alpha, limit } = PARAMETERS;
  const norm = call('ggml_rms_norm', context, f32, eps);
  const softMax = call('ggml_soft_max_ext', context, f32, null, eps, 0);
  const rope = call('ggml_rope_ext', context, f32, i32, null, dims, mode, trained, base, scale, 0, 1, 32, 1);
  const clamp = library.has('ggml_clamp') ? call('ggml_clamp', context, f32, eps, scale) : undefined;
  const glu = library.has('ggml_swiglu_oai') ? call('ggml_swiglu_oai', context, f32, f32, alpha, limit) : undefined;
  const device = devicesOf(library).find((d) => d.type === CPU_DEVICE);
  if (device === undefined) throw layoutError('the list of devices', 'no CPU');
  const buffer = call('ggml_backend_alloc_ctx_tensors', context, call('ggml_backend_dev_init', device.pointer, null));
  const at = (tensor: unknown): ProbeTensor => {
    const bytes = library.memory(tensor, size);
    return { address: addressOf(tensor), bytes: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  };
  const tensor = measureTensorLayout({
    plain: at(plain),
    other: at(other),
    sum: at(sum),
    view: at(view),
    scaled: at(scaled),
    f32: at(f32),
    i32: at(i32),
    plainData: addressOf(call('ggml_get_data', plain)),
    viewData: addressOf(call('ggml_get_data', view)),
    buffer: addressOf(buffer),
    opName: (op) => String(call('ggml_op_name', op)),
  });
  const parameters = (node: unknown): DataView => {
    const { bytes } = at(node);
    return new DataView(bytes.buffer, bytes.byteOffset + tensor.opParams, tensor.src - tensor.opParams);
  };
  const only = (what: string, view: DataView, test: (offset: number) => boolean): number => {
    const hits: number[] = [];
    for (let offset = 0; offset + 4 <= view.byteLength; offset += 4) if (test(offset)) hits.push(offset);
    const [hit] = hits;
    if (hit === undefined || hits.length > 1)
      throw layoutError('op_params', `${what} at ${hits.join(', ') || 'no offset'}`);
    return hit;
  };
  const ofNorm = parameters(norm);
  const ofSoftMax = parameters(softMax);
  const ofRope = parameters(rope);
  const float = (what: string, node: unknown, value: number): number => {
    const view = parameters(node);
    return only(what, view, (o) => view.getFloat32(o, true) === value);
  };
  const layout = {
    eps: only('eps', ofNorm, (o) => ofNorm.getFloat32(o, true) === eps),
    softMaxScale: only('scale', ofSoftMax, (o) => ofSoftMax.getFloat32(o, true) === eps),
    ropeDims: only('n_dims', ofRope, (o) => ofRope.getInt32(o, true) === dims),
    ropeMode: only('mode', ofRope, (o) => ofRope.getInt32(o, true) === mode),
    ropeBase: only('freq_base', ofRope, (o) => ofRope.getFloat32(o, true) === base),
    ropeScale: only('freq_scale', ofRope, (o) => ofRope.getFloat32(o, true) === scale),
    clampMin: clamp === undefined ? undefined : float('min', clamp, eps),
    glu: glu === undefined ? undefined : { alpha: float('alpha', glu, alpha), limit: float('limit', glu, limit) },
  };
  call('ggml_free', context);
  return { tensor, parameters: layout };
}

/** A device of the library: the CPU (type 0), a GPU ... */
export interface NativeDevice {
  readonly pointer: unknown;
  readonly name: string;
  readonly description: string;
  readonly type: number;
}

export function devicesOf({ call }: LlamaLibrary): readonly NativeDevice[] {
  return Array.from({ length: Number(call('ggml_backend_dev_count')) }, (_, i) => {
    const pointer = call('ggml_backend_dev_get', i);
    return {
      pointer,
      name: String(call('ggml_backend_dev_name', pointer)),
      description: String(call('ggml_backend_dev_description', pointer)),
      type: Number(call('ggml_backend_dev_type', pointer)),
    };
  });
}

/** koffi's pointers are their addresses; null is 0. */
export function addressOf(pointer: unknown): bigint {
  if (typeof pointer === 'bigint') return pointer;
  if (pointer === null || pointer === undefined) return 0n;
  throw layoutError('a pointer', typeof pointer);
}
