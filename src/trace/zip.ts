import { reasonOf } from '../base/errors';
import { inflateSync, zipSync, type Zippable } from 'fflate';
import { crc32 } from './crc32';
import { formatError } from './format-error';

/** A ZIP without the 64-bit extension, which is all that the writer makes. */
const MAX_ZIP_BYTES = 0xffffffff;
/** Deflate cannot expand further than this: a larger claim is a lie that must not be allocated. */
const MAX_DEFLATE_RATIO = 1032;
/** All entries together, as a multiple of the archive: tensors hardly compress, and entries that overlap must not multiply. */
const MAX_EXPANSION = 64;
/** Small archives may expand to this many bytes whatever their size. */
const FREE_EXPANSION = 2 ** 20;
/** Fixed, so that the same trace gives the same bytes. DOS dates are local time and begin in 1980. */
const MODIFIED = '1980-01-01T12:00:00';

const END = { signature: 0x06054b50, bytes: 22 } as const;
const END64_LOCATOR = { signature: 0x07064b50, bytes: 20 } as const;
const END64 = { signature: 0x06064b50, bytes: 56 } as const;
const CENTRAL = { signature: 0x02014b50, bytes: 46 } as const;
const LOCAL = { signature: 0x04034b50, bytes: 30 } as const;

/** Files by path: a map of them, or an archive whose files are unpacked when they are asked for. */
export interface FileTree {
  keys(): Iterable<string>;
  get(path: string): Uint8Array | undefined;
  [Symbol.iterator](): Iterator<[string, Uint8Array]>;
}

/** Whether the bytes begin like a ZIP file, an empty one included. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/** A ZIP of these files, stored (tensors hardly compress); the same files give the same bytes. @throws TracerError `trace-format` when it would pass 4 GB. */
export function writeZip(files: FileTree): Uint8Array<ArrayBuffer> {
  let bytes = 0;
  for (const [path, content] of files) bytes += content.length + 2 * path.length + 128;
  if (bytes > MAX_ZIP_BYTES) {
    throw formatError(
      'ZIP',
      'at most 4 GB',
      `${bytes} bytes`,
      'Save the trace as a folder, or capture fewer stages or positions.',
    );
  }
  const entries: Zippable = Object.fromEntries(files);
  return zipSync(entries, { level: 0, mtime: MODIFIED });
}

/**
 * The files of a ZIP, stored or deflated, from its central directory. Entries are inflated on demand, one at
 * a time, and their CRC-32 is checked then. All sizes that the
 * directory claims are checked before: see {@link zipClaims}.
 * @throws TracerError `trace-format` with `place` in it, now or when a file is asked for.
 */
export function readZip(bytes: Uint8Array, place: string): FileTree {
  const view = viewOf(bytes);
  const entries = new Map<string, Entry>();
  for (const entry of readDirectory(view, place)) if (!entry.path.endsWith('/')) entries.set(entry.path, entry);
  const unpacked = (entry: Entry): Uint8Array => unpack(view, entry, `${place}: ${entry.path}`);
  return {
    keys: () => entries.keys(),
    get: (path) => {
      const entry = entries.get(path);
      return entry === undefined ? undefined : unpacked(entry);
    },
    *[Symbol.iterator]() {
      for (const [path, entry] of entries) yield [path, unpacked(entry)];
    },
  };
}

/**
 * Bytes that a ZIP's directory says its deflated files unfold to: at most {@link MAX_EXPANSION} times the archive, or
 * {@link FREE_EXPANSION}. Stored files lie in the archive as they are.
 * @throws TracerError `trace-format`
 */
export function zipClaims(bytes: Uint8Array, place: string): number {
  return readDirectory(viewOf(bytes), place).reduce((sum, entry) => sum + (entry.method === 0 ? 0 : entry.size), 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readDirectory(view: DataView, place: string): readonly Entry[] {
  const directory = findDirectory(view, place);
  const entries: Entry[] = [];
  let at = directory.offset;
  let total = 0;
  let packed = 0;
  const limit = Math.max(FREE_EXPANSION, MAX_EXPANSION * view.byteLength);
  for (let i = 0; i < directory.count; i++) {
    const entry = readCentral(view, at, `${place}, entry ${i}`);
    entries.push(entry);
    at = entry.next;
    total += entry.size;
    if (total > limit) throw formatError(place, `at most ${limit} bytes unpacked`, `a claim of ${total}`);
    // Entries that lie over each other would unfold the same bytes again and again. The directory stands behind them all.
    packed += entry.packed + LOCAL.bytes;
    if (i > 0 && packed > directory.offset)
      throw formatError(place, 'entries beside each other', 'entries that overlap');
  }
  return entries;
}

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
  readonly next: number;
}

function findDirectory(view: DataView, place: string): { readonly offset: number; readonly count: number } {
  const first = Math.max(0, view.byteLength - END.bytes - 0xffff);
  let end = view.byteLength - END.bytes;
  while (end >= first && view.getUint32(end, true) !== END.signature) end--;
  if (end < first) throw formatError(place, 'the end record of a ZIP file', 'none');
  const count = view.getUint16(end + 10, true);
  const offset = view.getUint32(end + 16, true);
  if (count !== 0xffff && offset !== 0xffffffff) return { offset, count };
  const locator = end - END64_LOCATOR.bytes;
  if (locator < 0 || view.getUint32(locator, true) !== END64_LOCATOR.signature) return { offset, count };
  const end64 = Number(view.getBigUint64(locator + 8, true));
  need(view, end64, END64.bytes, END64.signature, `${place}, 64-bit end record`);
  return { count: Number(view.getBigUint64(end64 + 32, true)), offset: Number(view.getBigUint64(end64 + 48, true)) };
}

function readCentral(view: DataView, at: number, place: string): Entry {
  need(view, at, CENTRAL.bytes, CENTRAL.signature, place);
  const nameBytes = view.getUint16(at + 28, true);
  const extraBytes = view.getUint16(at + 30, true);
  const extra = at + CENTRAL.bytes + nameBytes;
  const next = extra + extraBytes + view.getUint16(at + 32, true);
  if (next > view.byteLength) throw formatError(place, 'a whole directory entry', 'the end of the file');
  const path = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + CENTRAL.bytes, nameBytes));
  if ((view.getUint16(at + 8, true) & 1) !== 0)
    throw formatError(`${place} (${path})`, 'a plain file', 'an encrypted one');
  const wide = wideFields(view, extra, extra + extraBytes);
  const field = (offset: number): number => {
    const value = view.getUint32(at + offset, true);
    return value === 0xffffffff ? (wide.shift() ?? value) : value;
  };
  const size = field(24);
  const packed = field(20);
  const offset = field(42);
  return {
    path,
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    packed,
    size,
    offset,
    next,
  };
}

/** The 64-bit values of a directory entry's extra field 1: size, packed size, offset, each only where its 32-bit field is full. */
function wideFields(view: DataView, from: number, to: number): number[] {
  for (let at = from; at + 4 <= to;) {
    const length = view.getUint16(at + 2, true);
    const end = Math.min(to, at + 4 + length);
    if (view.getUint16(at, true) === 1) {
      const values: number[] = [];
      for (let v = at + 4; v + 8 <= end; v += 8) values.push(Number(view.getBigUint64(v, true)));
      return values;
    }
    at += 4 + length;
  }
  return [];
}

function unpack(view: DataView, entry: Entry, place: string): Uint8Array {
  need(view, entry.offset, LOCAL.bytes, LOCAL.signature, place);
  const start =
    entry.offset + LOCAL.bytes + view.getUint16(entry.offset + 26, true) + view.getUint16(entry.offset + 28, true);
  if (start + entry.packed > view.byteLength) throw formatError(place, `${entry.packed} bytes`, 'the end of the file');
  const packed = new Uint8Array(view.buffer, view.byteOffset + start, entry.packed);
  const content = entry.method === 0 ? packed : inflate(packed, entry, place);
  if (content.length !== entry.size) throw formatError(place, `${entry.size} bytes unpacked`, `${content.length}`);
  const crc = crc32(content);
  if (crc !== entry.crc) throw formatError(`${place}, CRC-32`, entry.crc.toString(16), crc.toString(16));
  return content;
}

function inflate(packed: Uint8Array, entry: Entry, place: string): Uint8Array {
  if (entry.method !== 8) throw formatError(place, 'a stored or deflated entry', `compression method ${entry.method}`);
  if (entry.size > packed.length * MAX_DEFLATE_RATIO) {
    throw formatError(place, `at most ${packed.length * MAX_DEFLATE_RATIO} bytes unpacked`, `a claim of ${entry.size}`);
  }
  try {
    return inflateSync(packed, { out: new Uint8Array(entry.size) });
  } catch (error) {
    throw formatError(place, 'deflated data', reasonOf(error));
  }
}

function need(view: DataView, at: number, bytes: number, signature: number, place: string): void {
  if (!Number.isSafeInteger(at) || at < 0 || at + bytes > view.byteLength) {
    throw formatError(place, `${bytes} bytes at ${at}`, 'the end of the file');
  }
  const actual = view.getUint32(at, true);
  if (actual !== signature) throw formatError(place, signature.toString(16), actual.toString(16));
}
