import { layoutError } from './layout-error';

/** Byte offsets of the fields of `ggml_tensor` in the library that is loaded. */
export interface TensorLayout {
  /** Bytes of the struct. */
  readonly size: number;
  readonly type: number;
  readonly buffer: number;
  readonly ne: number;
  readonly nb: number;
  readonly op: number;
  readonly opParams: number;
  readonly src: number;
  /** Entries of `src`. */
  readonly nSrc: number;
  readonly viewSrc: number;
  readonly viewOffs: number;
  readonly data: number;
  readonly name: number;
}

/** A struct in memory: its address and its bytes. */
export interface ProbeTensor {
  readonly address: bigint;
  readonly bytes: DataView;
}

/** Throw-away tensors made through the exported API, whose fields are known. */
export interface LayoutProbe {
  /** `ggml_new_tensor_4d(F16, 3, 5, 7, 11)`, named {@link PROBE_NAME}, in {@link LayoutProbe.buffer}. */
  readonly plain: ProbeTensor;
  /** Another of the same shape. */
  readonly other: ProbeTensor;
  /** `ggml_add(plain, other)` */
  readonly sum: ProbeTensor;
  /** `ggml_view_1d(plain, 3, 12)` */
  readonly view: ProbeTensor;
  /** `ggml_scale(f32 tensor, 0.375)` */
  readonly scaled: ProbeTensor;
  /** Tensors of types F32 (0) and I32 (26). */
  readonly f32: ProbeTensor;
  readonly i32: ProbeTensor;
  /** `ggml_get_data` of `plain` and `view`. */
  readonly plainData: bigint;
  readonly viewData: bigint;
  /** The back-end buffer that holds them. */
  readonly buffer: bigint;
  readonly opName: (op: number) => string;
}

export const PROBE_NAME = 'layout-probe-tensor';
/** `enum ggml_type`, whose numbers are part of the file format and never change. */
export const PROBE_TYPES = { f16: 1, f32: 0, i32: 26 } as const;
export const PROBE_SHAPE = [3, 5, 7, 11] as const;
export const PROBE_SCALE = 0.375;
export const PROBE_VIEW_OFFSET = 12;

/**
 * Above the numbers of the operations that are probed, and below how many there are (85 in 2025): the library reads the name of a larger number from
 * behind its table, which ended the process in builds of early 2026.
 */
const MAX_OP = 80;
/** `GGML_OP_NONE` */
const NO_OP = 0;

/**
 * Finds each field at exactly one offset. The layout moves between releases and is in no header that ships with the library, so nothing
 * is assumed: a field that is found nowhere or twice refuses the library.
 * @throws TracerError `engine-layout`
 */
export function measureTensorLayout(probe: LayoutProbe): TensorLayout {
  const { plain, other, sum, view, scaled, f32, i32 } = probe;
  const size = plain.bytes.byteLength;
  const find = (field: string, step: 4 | 8 | 1, width: number, test: (offset: number) => boolean): number => {
    const hits: number[] = [];
    for (let at = 0; at + width <= size; at += step) if (test(at)) hits.push(at);
    const [only] = hits;
    if (only === undefined || hits.length > 1)
      throw layoutError('ggml_tensor', `${field} at ${hits.length === 0 ? 'no offset' : `offsets ${hits.join(', ')}`}`);
    return only;
  };
  const word = (t: ProbeTensor, at: number): bigint => t.bytes.getBigUint64(at, true);
  const holds = (t: ProbeTensor, at: number, values: readonly number[]): boolean =>
    values.every((value, i) => t.bytes.getBigInt64(at + 8 * i, true) === BigInt(value));
  const [n0, n1, n2] = PROBE_SHAPE;
  const strides = [2, 2 * n0, 2 * n0 * n1, 2 * n0 * n1 * n2];

  const ne = find('ne', 8, 32, (at) => holds(plain, at, PROBE_SHAPE));
  const nb = find('nb', 8, 32, (at) => holds(plain, at, strides));
  const src = find('src', 8, 16, (at) => word(sum, at) === plain.address && word(sum, at + 8) === other.address);
  const viewSrc = find('view_src', 8, 8, (at) => at !== src && word(view, at) === plain.address);
  const viewOffs = find('view_offs', 8, 8, (at) => at > viewSrc && holds(view, at, [PROBE_VIEW_OFFSET]));
  const data = find('data', 8, 8, (at) => word(plain, at) === probe.plainData && word(view, at) === probe.viewData);
  const buffer = find('buffer', 8, 8, (at) => word(plain, at) === probe.buffer);
  const name = find('name', 1, PROBE_NAME.length + 1, (at) => textAt(plain.bytes, at) === PROBE_NAME);
  const isOp = (t: ProbeTensor, at: number, op: string): boolean => {
    const number = t.bytes.getInt32(at, true);
    return number >= 0 && number < MAX_OP && probe.opName(number) === op;
  };
  const op = find(
    'op',
    4,
    4,
    (at) =>
      plain.bytes.getInt32(at, true) === NO_OP &&
      isOp(sum, at, 'ADD') &&
      isOp(view, at, 'VIEW') &&
      isOp(scaled, at, 'SCALE'),
  );
  const type = find(
    'type',
    4,
    4,
    (at) =>
      plain.bytes.getInt32(at, true) === PROBE_TYPES.f16 &&
      f32.bytes.getInt32(at, true) === PROBE_TYPES.f32 &&
      i32.bytes.getInt32(at, true) === PROBE_TYPES.i32,
  );
  const opParams = find('op_params', 4, 4, (at) => scaled.bytes.getFloat32(at, true) === PROBE_SCALE);
  const nSrc = (viewSrc - src) / 8;
  if (!Number.isInteger(nSrc) || nSrc < 2) throw layoutError('ggml_tensor', `src at ${src} and view_src at ${viewSrc}`);
  return { size, type, buffer, ne, nb, op, opParams, src, nSrc, viewSrc, viewOffs, data, name };
}

/** The text of a C string; empty where it does not end inside the bytes. */
export function textAt(bytes: DataView, at: number): string {
  let end = at;
  while (end < bytes.byteLength && bytes.getUint8(end) !== 0) end++;
  if (end === bytes.byteLength) return '';
  return new TextDecoder().decode(new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at));
}
