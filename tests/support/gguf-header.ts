import { byteWriter, type ByteWriter } from '../../src/gguf/byte-writer';
import { GGML_TYPES, type GgmlTypeName } from '../../src/gguf/ggml-types';
import { memorySource } from '../../src/gguf/memory-source';
import { parseHeader, type GgufHeader } from '../../src/gguf/reader';
import { VALUE_TYPES, type ValueType } from '../../src/gguf/value-types';

/** Headers field by field, so that a test can write any field wrong. */
export interface RawHeader {
  readonly version?: number;
  readonly nTensors?: number | bigint;
  readonly nEntries?: number | bigint;
  readonly entries?: readonly ((out: ByteWriter) => void)[];
  readonly tensors?: readonly ((out: ByteWriter) => void)[];
  /** Bytes of tensor data after the padded header. */
  readonly dataBytes?: number;
  readonly alignment?: number;
}

export function rawGguf(raw: RawHeader): Uint8Array<ArrayBuffer> {
  const out = byteWriter();
  out.bytes(new TextEncoder().encode('GGUF'));
  out.u32(raw.version ?? 3);
  out.u64(raw.nTensors ?? raw.tensors?.length ?? 0);
  out.u64(raw.nEntries ?? raw.entries?.length ?? 0);
  for (const entry of raw.entries ?? []) entry(out);
  for (const tensor of raw.tensors ?? []) tensor(out);
  if (raw.dataBytes !== undefined) {
    out.align(raw.alignment ?? 32);
    out.bytes(new Uint8Array(raw.dataBytes));
  }
  return out.finish();
}

/** A metadata entry whose value is written by hand. */
export function entry(
  key: string,
  type: ValueType | number,
  value: (out: ByteWriter) => void,
): (out: ByteWriter) => void {
  return (out) => {
    out.string(key);
    out.u32(typeof type === 'number' ? type : valueTypeId(type));
    value(out);
  };
}

/** An array value: element type, count, elements by hand. */
export function array(
  of: ValueType | number,
  count: number | bigint,
  elements: (out: ByteWriter) => void = () => undefined,
): (out: ByteWriter) => void {
  return (out) => {
    out.u32(typeof of === 'number' ? of : valueTypeId(of));
    out.u64(count);
    elements(out);
  };
}

export function valueTypeId(type: ValueType): number {
  return VALUE_TYPES.find((t) => t.name === type)?.id ?? NaN;
}

/** A tensor entry; any field may be wrong. */
export function tensor(
  name: string,
  dims: readonly (number | bigint)[],
  type: GgmlTypeName | number = 'F32',
  offset: number | bigint = 0,
  nDims = dims.length,
): (out: ByteWriter) => void {
  return (out) => {
    out.string(name);
    out.u32(nDims);
    for (const dim of dims) out.u64(dim);
    out.u32(typeof type === 'number' ? type : (GGML_TYPES.find((t) => t.name === type)?.id ?? NaN));
    out.u64(offset);
  };
}

/** Parses bytes as a file of their own. */
export function parseBytes(bytes: Uint8Array<ArrayBuffer>, name = 'test.gguf'): Promise<GgufHeader> {
  return parseHeader(memorySource(bytes, name));
}
