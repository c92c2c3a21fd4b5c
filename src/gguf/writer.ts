import { byteWriter, type ByteWriter } from './byte-writer';
import { ggmlType, rowBytes, type GgmlTypeName } from './ggml-types';
import { DEFAULT_ALIGNMENT } from './limits';
import { VALUE_TYPES, type ValueType } from './value-types';

type NumberType = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';
type WideType = 'uint64' | 'int64';

/** A metadata value with its type in the file. */
export type TypedValue =
  | { readonly type: NumberType; readonly value: number }
  | { readonly type: WideType; readonly value: number | bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'array'; readonly of: NumberType; readonly value: ArrayLike<number> }
  | { readonly type: 'array'; readonly of: WideType; readonly value: ArrayLike<number | bigint> }
  | { readonly type: 'array'; readonly of: 'bool'; readonly value: readonly boolean[] }
  | { readonly type: 'array'; readonly of: 'string'; readonly value: readonly string[] }
  | { readonly type: 'array'; readonly of: 'array'; readonly value: readonly (TypedValue & { type: 'array' })[] };

export interface TensorToWrite {
  readonly name: string;
  /** ggml order, fastest first. */
  readonly dims: readonly number[];
  readonly type: GgmlTypeName;
  /** The tensor's data, piece by piece, made only when its turn comes; the next piece may overwrite the one before. Absent: a hole, never written (zeros in a sparse file). */
  readonly chunks?: () => Iterable<Uint8Array>;
}

export interface GgufToWrite {
  /** 2 or 3; 3 by default. */
  readonly version?: number;
  /** Multiple of which every tensor's offset is; written as `general.alignment` when given. */
  readonly alignment?: number;
  readonly metadata: Iterable<readonly [string, TypedValue]>;
  readonly tensors: readonly TensorToWrite[];
}

export interface GgufLayout {
  /** Everything before the tensor data, padding included. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** Absolute offset of each tensor's data, in order. */
  readonly offsets: readonly number[];
  /** Size of the whole file; llama.cpp wants the last tensor padded too. */
  readonly bytes: number;
}

/** Takes bytes of the file at an offset; offsets ascend, holes are skipped. */
export type WriteAt = (bytes: Uint8Array, offset: number) => Promise<void> | void;

/** The header, and where every tensor goes. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
export function layoutGguf(file: GgufToWrite): GgufLayout {
  const alignment = file.alignment ?? DEFAULT_ALIGNMENT;
  const metadata = [...file.metadata];
  if (file.alignment !== undefined) metadata.push(['general.alignment', { type: 'uint32', value: file.alignment }]);
  const out = byteWriter();
  out.bytes(new TextEncoder().encode('GGUF'));
  out.u32(file.version ?? 3);
  out.u64(file.tensors.length);
  out.u64(metadata.length);
  for (const [key, value] of metadata) {
    out.string(key);
    out.u32(typeId(value.type));
    writeValue(out, value);
  }
  let relative = 0;
  const relativeOffsets = file.tensors.map((tensor) => {
    out.string(tensor.name);
    out.u32(tensor.dims.length);
    for (const dim of tensor.dims) out.u64(dim);
    out.u32(ggmlType(tensor.type).id);
    out.u64(relative);
    const offset = relative;
    relative = alignUp(relative + tensorBytes(tensor), alignment);
    return offset;
  });
  out.align(alignment);
  const dataStart = out.length;
  return {
    header: out.finish(),
    offsets: relativeOffsets.map((offset) => dataStart + offset),
    bytes: dataStart + relative,
  };
}

/**
 * Writes a GGUF file piece by piece: the header, then each tensor's chunks, so that a file of many GB needs no more memory than a chunk.
 * The caller sets the file's size to the returned layout's `bytes` (padding and holes are not written). `write` resolves when it is done with
 * the bytes: a tensor may use them again for its next chunk.
 * @param layout of this very file, where the caller has it already
 */
export async function writeGguf(
  file: GgufToWrite,
  write: WriteAt,
  layout: GgufLayout = layoutGguf(file),
): Promise<GgufLayout> {
  await write(layout.header, 0);
  for (const { bytes, offset } of dataChunks(file, layout)) await write(bytes, offset);
  return layout;
}

/** The whole file in memory; holes are zeros. For small files. */
export function ggufBytes(file: GgufToWrite): Uint8Array<ArrayBuffer> {
  const layout = layoutGguf(file);
  const out = new Uint8Array(layout.bytes);
  out.set(layout.header);
  for (const { bytes, offset } of dataChunks(file, layout)) out.set(bytes, offset);
  return out;
}

/** Bytes of a tensor's data. */
export function tensorBytes(tensor: Pick<TensorToWrite, 'dims' | 'type'>): number {
  return rowBytes(
    tensor.type,
    tensor.dims.reduce((a, b) => a * b, 1),
  );
}

function* dataChunks(file: GgufToWrite, layout: GgufLayout): Generator<{ bytes: Uint8Array; offset: number }> {
  for (const [i, tensor] of file.tensors.entries()) {
    if (tensor.chunks === undefined) continue;
    const start = layout.offsets[i] ?? 0;
    let offset = start;
    for (const bytes of tensor.chunks()) {
      yield { bytes, offset };
      offset += bytes.length;
    }
    const expected = tensorBytes(tensor);
    if (offset - start !== expected) {
      throw new RangeError(`tensor ${tensor.name} has ${offset - start} bytes of data; its shape asks for ${expected}`);
    }
  }
}

function alignUp(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

function typeId(type: ValueType): number {
  return VALUE_TYPES.findIndex((t) => t.name === type);
}

function writeValue(out: ByteWriter, value: TypedValue): void {
  if (value.type !== 'array') {
    writeScalar(out, value.type, value.value);
    return;
  }
  out.u32(typeId(value.of));
  out.u64(value.value.length);
  if (value.of === 'array') {
    for (const inner of value.value) writeValue(out, inner);
    return;
  }
  for (const element of Array.from<number | bigint | boolean | string>(value.value))
    writeScalar(out, value.of, element);
}

function writeScalar(
  out: ByteWriter,
  type: Exclude<ValueType, 'array'>,
  value: number | bigint | boolean | string,
): void {
  if (typeof value === 'string') {
    out.string(value);
    return;
  }
  switch (type) {
    case 'bool':
    case 'uint8':
    case 'int8':
      out.u8(Number(value));
      return;
    case 'uint16':
    case 'int16':
      out.u16(Number(value));
      return;
    case 'uint32':
    case 'int32':
      out.u32(Number(value));
      return;
    case 'uint64':
      out.u64(BigInt(value));
      return;
    case 'int64':
      out.i64(BigInt(value));
      return;
    case 'float32':
      out.f32(Number(value));
      return;
    case 'float64':
      out.f64(Number(value));
      return;
    case 'string':
      throw new TypeError('a string value must be a string');
  }
}
