import type { ErrorCode } from '../../src/base/errors';
import type { ByteWriter } from '../../src/gguf/byte-writer';
import { array, entry, rawGguf, tensor } from '../support/gguf-header';

/** A header that must be refused. */
export interface HostileHeader {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly code: ErrorCode;
  /** What the message must name. */
  readonly says: string;
}

type Field = (out: ByteWriter) => void;

export const ascii = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const MAX_U64 = 2n ** 64n - 1n;

const u8 =
  (value: number): Field =>
  (out) => {
    out.u8(value);
  };
const text =
  (value: string): Field =>
  (out) => {
    out.string(value);
  };
const zeros =
  (length: number): Field =>
  (out) => {
    out.bytes(new Uint8Array(length));
  };
/** A string whose length field does not tell the truth. */
const string =
  (length: number | bigint, content = ''): Field =>
  (out) => {
    out.u64(length);
    out.bytes(ascii(content));
  };
/** An array in an array in an array ... `depth` levels. */
const nested = (depth: number): Field => (depth === 0 ? array('uint8', 0) : array('array', 1, nested(depth - 1)));
/** A tree of arrays, each of `width` arrays. */
const wide = (width: number, depth: number): Field =>
  depth === 0
    ? array('uint8', 0)
    : array('array', width, (out) => {
        for (let i = 0; i < width; i++) wide(width, depth - 1)(out);
      });
/** A file with the one key `some.key`. */
const oneKey = (type: Parameters<typeof entry>[1], value: Field): Uint8Array<ArrayBuffer> =>
  rawGguf({ entries: [entry('some.key', type, value)] });
/** A file with one tensor and room for 1024 bytes of data. */
const oneTensor = (...fields: Parameters<typeof tensor>): Uint8Array<ArrayBuffer> =>
  rawGguf({ tensors: [tensor(...fields)], dataBytes: 1024 });
const align = (value: number): Uint8Array<ArrayBuffer> =>
  rawGguf({
    entries: [
      entry('general.alignment', 'uint32', (out) => {
        out.u32(value);
      }),
    ],
  });

const bigEndian = rawGguf({});
bigEndian.set([0, 0, 0, 3], 4);

// prettier-ignore
export const HOSTILE_MAGIC: readonly HostileHeader[] = [
  { name: 'empty file', bytes: new Uint8Array(0), code: 'gguf-truncated', says: 'empty' },
  { name: 'three bytes of magic', bytes: ascii('GGU'), code: 'gguf-truncated', says: '3 bytes' },
  { name: 'magic only', bytes: ascii('GGUF'), code: 'gguf-truncated', says: '4 bytes' },
  { name: 'no counts', bytes: rawGguf({}).slice(0, 20), code: 'gguf-truncated', says: 'metadata entries' },
  { name: 'another magic', bytes: ascii('NUMPY\x01\0\0'), code: 'gguf-not-gguf', says: '4e 55 4d 50' },
  { name: 'one other byte', bytes: ascii('x'), code: 'gguf-not-gguf', says: '78' },
  { name: 'old GGML file', bytes: ascii('lmgg\x01\0\0\0'), code: 'gguf-not-gguf', says: 'before GGUF' },
  { name: 'shifted range', bytes: ascii('GUF\u0003\0\0\0\u001b\0'), code: 'gguf-not-gguf', says: 'without its first byte' },
  { name: 'web page', bytes: ascii('<!doctype html><html>'), code: 'gguf-not-gguf', says: 'web page' },
  { name: 'LFS pointer', bytes: ascii('version https://git-lfs.github.com/spec/v1'), code: 'gguf-not-gguf', says: 'LFS' },
  { name: 'a download that never began', bytes: new Uint8Array(64), code: 'gguf-not-gguf', says: 'a download that stopped' },
  { name: 'archive', bytes: ascii('PK\x03\x04........'), code: 'gguf-not-gguf', says: 'ZIP' },
  { name: 'version 0', bytes: rawGguf({ version: 0 }), code: 'gguf-version', says: 'version 0' },
  { name: 'version 1', bytes: rawGguf({ version: 1 }), code: 'gguf-version', says: 'version 1' },
  { name: 'version 4', bytes: rawGguf({ version: 4 }), code: 'gguf-version', says: 'version 4' },
  { name: 'version 2^32-1', bytes: rawGguf({ version: 2 ** 32 - 1 }), code: 'gguf-version', says: '4294967295' },
  { name: 'big-endian', bytes: bigEndian, code: 'gguf-big-endian', says: 'big-endian' },
  { name: 'swapped magic', bytes: ascii('FUGG\x03\0\0\0'), code: 'gguf-big-endian', says: 'big-endian' },
];

// prettier-ignore
export const HOSTILE_METADATA: readonly HostileHeader[] = [
  { name: 'huge tensor count', bytes: rawGguf({ nTensors: MAX_U64 }), code: 'gguf-limit', says: 'number of tensors' },
  { name: 'more tensors than fit', bytes: rawGguf({ nTensors: 1000 }), code: 'gguf-truncated', says: 'number of tensors' },
  { name: 'negative entry count', bytes: rawGguf({ nEntries: 2n ** 63n }), code: 'gguf-limit', says: 'metadata entries' },
  { name: 'more entries than fit', bytes: rawGguf({ nEntries: 60000 }), code: 'gguf-truncated', says: 'metadata entries' },
  { name: 'one entry more than there is', bytes: rawGguf({ nEntries: 2, entries: [entry('only.key', 'uint64', zeros(8))] }), code: 'gguf-truncated', says: 'metadata' },
  { name: 'huge key length', bytes: rawGguf({ entries: [string(MAX_U64)], dataBytes: 64 }), code: 'gguf-limit', says: 'metadata key 0' },
  { name: 'key longer than the file', bytes: rawGguf({ entries: [string(60000, 'k')], dataBytes: 64 }), code: 'gguf-truncated', says: 'metadata key 0' },
  { name: 'empty key', bytes: rawGguf({ entries: [entry('', 'uint8', u8(1))] }), code: 'gguf-malformed', says: 'metadata key 0 is empty' },
  { name: 'key twice', bytes: rawGguf({ entries: [entry('some.key', 'uint8', u8(1)), entry('some.key', 'uint8', u8(1))] }), code: 'gguf-malformed', says: 'some.key is there twice' },
  { name: 'unknown value type', bytes: oneKey(13, zeros(8)), code: 'gguf-malformed', says: 'some.key has the unknown value type 13' },
  { name: 'value type 2^32-1', bytes: oneKey(2 ** 32 - 1, zeros(8)), code: 'gguf-malformed', says: '4294967295' },
  { name: 'bool of 2', bytes: oneKey('bool', u8(2)), code: 'gguf-malformed', says: 'some.key' },
  { name: 'bool of 2 in an array', bytes: oneKey('array', array('bool', 1, u8(2))), code: 'gguf-malformed', says: 'some.key' },
  { name: 'cut value', bytes: oneKey('float64', zeros(4)), code: 'gguf-truncated', says: 'some.key' },
  { name: 'huge string', bytes: oneKey('string', string(MAX_U64, 'abc')), code: 'gguf-limit', says: 'some.key' },
  { name: 'string of 2^53', bytes: oneKey('string', string(2 ** 53, 'abc')), code: 'gguf-limit', says: 'some.key' },
  { name: 'string longer than the file', bytes: oneKey('string', string(1000, 'abc')), code: 'gguf-truncated', says: 'some.key' },
  { name: 'huge array', bytes: oneKey('array', array('uint8', MAX_U64)), code: 'gguf-limit', says: 'some.key' },
  { name: 'array longer than the file', bytes: oneKey('array', array('float64', 1000)), code: 'gguf-truncated', says: 'some.key' },
  { name: 'array of 2^61 u64: its bytes overflow', bytes: oneKey('array', array('uint64', 2n ** 61n)), code: 'gguf-limit', says: 'some.key' },
  { name: 'more strings than fit', bytes: oneKey('array', array('string', 4_000_000)), code: 'gguf-truncated', says: 'some.key' },
  { name: 'one string more than there is', bytes: oneKey('array', array('string', 2, text('abcdefgh'))), code: 'gguf-truncated', says: 'some.key' },
  { name: 'huge string in an array', bytes: oneKey('array', array('string', 1, string(MAX_U64, 'abc'))), code: 'gguf-limit', says: 'some.key' },
  { name: 'array of unknown type', bytes: oneKey('array', array(77, 1, zeros(8))), code: 'gguf-malformed', says: '77' },
  { name: 'arrays nested a thousand deep', bytes: oneKey('array', nested(1000)), code: 'gguf-limit', says: 'nesting' },
  { name: 'too many arrays in arrays', bytes: oneKey('array', wide(150, 2)), code: 'gguf-limit', says: 'number of arrays' },
  { name: 'array of arrays more than fit', bytes: oneKey('array', array('array', 16_000)), code: 'gguf-truncated', says: 'some.key' },
];

// prettier-ignore
export const HOSTILE_TENSORS: readonly HostileHeader[] = [
  { name: 'no dimensions', bytes: oneTensor('t.weight', []), code: 'gguf-malformed', says: 't.weight has no dimensions' },
  { name: 'five dimensions', bytes: oneTensor('t.weight', [1, 1, 1, 1, 1]), code: 'gguf-limit', says: 't.weight' },
  { name: '2^32-1 dimensions', bytes: oneTensor('t.weight', [1], 'F32', 0, 2 ** 32 - 1), code: 'gguf-limit', says: 't.weight' },
  { name: 'zero dimension', bytes: oneTensor('t.weight', [32, 0]), code: 'gguf-malformed', says: 'dimension 1 of tensor t.weight is 0' },
  { name: 'dimension of 2^64-1', bytes: oneTensor('t.weight', [MAX_U64]), code: 'gguf-limit', says: 't.weight' },
  { name: 'product above 2^53', bytes: oneTensor('t.weight', [2 ** 27, 2 ** 27]), code: 'gguf-limit', says: 'elements of tensor t.weight' },
  { name: 'product that wraps round in 64 bits', bytes: oneTensor('t.weight', [2 ** 32, 2 ** 32, 32]), code: 'gguf-limit', says: 't.weight' },
  { name: 'bytes above 2^53', bytes: oneTensor('t.weight', [2 ** 52], 'F64'), code: 'gguf-limit', says: 'bytes of tensor t.weight' },
  { name: 'unknown type', bytes: oneTensor('t.weight', [32], 99), code: 'gguf-malformed', says: 't.weight has the unknown type number 99' },
  { name: 'type 2^32-1', bytes: oneTensor('t.weight', [32], 2 ** 32 - 1), code: 'gguf-malformed', says: '4294967295' },
  { name: 'row no multiple of the block', bytes: oneTensor('t.weight', [128, 2], 'Q4_K'), code: 'gguf-malformed', says: 't.weight has rows of 128 elements; Q4_K needs a multiple of 256' },
  { name: 'offset not aligned', bytes: oneTensor('t.weight', [4], 'F32', 16), code: 'gguf-malformed', says: 't.weight lies at offset 16' },
  { name: 'offset of 2^53', bytes: oneTensor('t.weight', [4], 'F32', 2 ** 53), code: 'gguf-truncated', says: 't.weight' },
  { name: 'offset of 2^63', bytes: oneTensor('t.weight', [4], 'F32', 2n ** 63n), code: 'gguf-truncated', says: 't.weight' },
  { name: 'offset that wraps round', bytes: oneTensor('t.weight', [4], 'F32', MAX_U64 - 31n), code: 'gguf-truncated', says: 't.weight' },
  { name: 'data beyond the end', bytes: oneTensor('t.weight', [257], 'F32', 0), code: 'gguf-truncated', says: 't.weight' },
  { name: 'data beginning at the end', bytes: oneTensor('t.weight', [1], 'F32', 1024), code: 'gguf-truncated', says: 't.weight' },
  { name: 'empty name', bytes: oneTensor('', [1]), code: 'gguf-malformed', says: 'tensor 0 has an empty name' },
  { name: 'name too long', bytes: oneTensor('n'.repeat(300), [1]), code: 'gguf-limit', says: 'name of tensor 0' },
  { name: 'name twice', bytes: rawGguf({ tensors: [tensor('t.weight', [1]), tensor('t.weight', [1], 'F32', 32)], dataBytes: 64 }), code: 'gguf-malformed', says: 't.weight is there twice' },
  { name: 'same data', bytes: rawGguf({ tensors: [tensor('a', [8]), tensor('b', [8])], dataBytes: 64 }), code: 'gguf-malformed', says: 'a and b overlap' },
  { name: 'overlap by one byte', bytes: rawGguf({ tensors: [tensor('b', [1], 'F32', 32), tensor('a', [33], 'I8', 0)], dataBytes: 64 }), code: 'gguf-malformed', says: 'a and b overlap' },
  { name: 'one inside the other', bytes: rawGguf({ tensors: [tensor('a', [256]), tensor('b', [1], 'F32', 512)], dataBytes: 1024 }), code: 'gguf-malformed', says: 'a and b overlap' },
  { name: 'small one after, inside the one before last', bytes: rawGguf({ tensors: [tensor('a', [256]), tensor('b', [1], 'F32', 0)], dataBytes: 1024 }), code: 'gguf-malformed', says: 'overlap' },
  { name: 'cut tensor entry', bytes: rawGguf({ tensors: [tensor('t.weight', [1]), text('u.weight')], nTensors: 2 }), code: 'gguf-truncated', says: 'tensor u.weight' },
  ...[0, 3, 48, 2 ** 31 + 1].map((value): HostileHeader => ({ name: `alignment ${value}`, bytes: align(value), code: 'gguf-malformed', says: 'general.alignment' })),
  { name: 'alignment 2^31', bytes: align(2 ** 31), code: 'gguf-limit', says: 'general.alignment' },
  { name: 'alignment as text', bytes: rawGguf({ entries: [entry('general.alignment', 'string', text('32'))] }), code: 'gguf-malformed', says: 'general.alignment' },
  { name: 'alignment NaN', bytes: rawGguf({ entries: [entry('general.alignment', 'float32', (out) => { out.f32(NaN); })] }), code: 'gguf-malformed', says: 'NaN' },
  { name: 'alignment 0.5', bytes: rawGguf({ entries: [entry('general.alignment', 'float32', (out) => { out.f32(0.5); })] }), code: 'gguf-malformed', says: '0.5' },
];
