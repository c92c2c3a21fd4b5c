import { fail } from '../base/errors';
import { GGUF_LIMITS } from './limits';

/** A place in the prefix of a file that has been read so far. */
export interface Cursor {
  /** File name, for errors. */
  readonly name: string;
  /** Size of the whole file: what counts and lengths are checked against. */
  readonly fileSize: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  position: number;
}

/** Thrown when the header is longer than the prefix read so far; not an error of the file. */
export class NeedMoreBytes extends Error {
  /** The prefix must reach at least this far. */
  readonly end: number;
  constructor(end: number) {
    super('need more bytes');
    this.end = end;
  }
}

/** A cursor at `position` of a prefix. */
export function cursorAt(name: string, fileSize: number, bytes: Uint8Array<ArrayBuffer>, position: number): Cursor {
  return { name, fileSize, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), position };
}

/**
 * Makes sure that the next `length` bytes have been read. `what` names their content, for the error.
 * @throws TracerError `gguf-truncated` when the file ends before; `gguf-limit` when the header would become larger than any real one.
 */
export function need(cursor: Cursor, length: number, what: string): void {
  const end = cursor.position + length;
  if (end <= cursor.bytes.length) return;
  if (end > cursor.fileSize) throw truncated(cursor, length, what);
  if (end > GGUF_LIMITS.headerBytes) throw aboveLimit(cursor, `the header up to ${what}`, 'headerBytes', end);
  throw new NeedMoreBytes(end);
}

/** Next u32. */
export function readU32(cursor: Cursor, what: string): number {
  need(cursor, 4, what);
  const value = cursor.view.getUint32(cursor.position, true);
  cursor.position += 4;
  return value;
}

/**
 * Next u64 as a number: exact up to 2^53, otherwise rounded (and so above every limit). Exactness matters to no caller beyond 2^53.
 */
export function readU64(cursor: Cursor, what: string): number {
  need(cursor, 8, what);
  const low = cursor.view.getUint32(cursor.position, true);
  const high = cursor.view.getUint32(cursor.position + 4, true);
  cursor.position += 8;
  return high * 2 ** 32 + low;
}

/**
 * Next u64 as a count of things of at least `minBytes` bytes each that must still fit in the file.
 * @throws TracerError `gguf-limit` above the named limit; `gguf-truncated` when so many cannot follow.
 */
export function readCount(cursor: Cursor, what: string, limit: keyof typeof GGUF_LIMITS, minBytes: number): number {
  const count = readU64(cursor, what);
  if (count > GGUF_LIMITS[limit]) throw aboveLimit(cursor, what, limit, count);
  if (count * minBytes > cursor.fileSize - cursor.position) throw truncated(cursor, count * minBytes, what);
  return count;
}

/** What a person can do about a file that breaks the format. */
export const BROKEN_REMEDY = 'The file is damaged or was written by a faulty tool. Download or convert it again.';

/** `gguf-malformed` at this place. */
export function malformed(
  cursor: { readonly name: string },
  message: string,
  detail: Record<string, string | number | boolean> = {},
): Error {
  return fail('gguf-malformed', `${cursor.name}: ${message}`, BROKEN_REMEDY, { file: cursor.name, ...detail });
}

/** `gguf-limit`: a count or size above the named limit. */
export function aboveLimit(
  cursor: { readonly name: string },
  what: string,
  limit: keyof typeof GGUF_LIMITS,
  actual: number,
): Error {
  return fail(
    'gguf-limit',
    `${cursor.name}: ${what} is ${actual}; MoEscope reads at most ${GGUF_LIMITS[limit]} (${limit}).`,
    BROKEN_REMEDY,
    { file: cursor.name, what, limit, expected: GGUF_LIMITS[limit], actual },
  );
}

function truncated(cursor: Cursor, length: number, what: string): Error {
  const end = cursor.position + length;
  return fail(
    'gguf-truncated',
    `${cursor.name} ends inside its header: ${what} needs bytes ${cursor.position} to ${end}, the file has ${cursor.fileSize}.`,
    'The download is incomplete or the file is damaged. Download it again.',
    { file: cursor.name, what, offset: cursor.position, expected: end, actual: cursor.fileSize },
  );
}
