import { aboveLimit, need, readU64, type Cursor } from './cursor';
import { GGUF_LIMITS } from './limits';

/** Bytes of a string's length field. */
const LENGTH_BYTES = 8;
/** Decoded in one go: enough to make the decoder's fixed cost small, little enough to keep sliced strings from pinning much. */
const BATCH_BYTES = 32 * 1024;
/** A length field below this reads as eight ASCII characters. */
const ASCII_LENGTHS = 0x80;
const REPLACEMENT = '\uFFFD';

// A byte order mark is a character of the string here (a vocabulary has it as a token).
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * One string: u64 length, then UTF-8. Invalid bytes become U+FFFD.
 * @throws TracerError `gguf-truncated`, `gguf-limit`.
 */
export function readString(
  cursor: Cursor,
  what: string,
  limit: 'stringBytes' | 'keyBytes' | 'tensorNameBytes' = 'stringBytes',
): string {
  const length = readU64(cursor, what);
  if (length > GGUF_LIMITS[limit]) throw aboveLimit(cursor, `the length of ${what}`, limit, length);
  need(cursor, length, what);
  const start = cursor.position;
  cursor.position += length;
  return decoder.decode(cursor.bytes.subarray(start, cursor.position));
}

/**
 * `count` strings. Decoding one by one costs more than everything else in a header, so runs of short strings are decoded together,
 * length fields included (they are ASCII control characters), and cut apart by their UTF-16 lengths. A run with anything invalid in it
 * (U+FFFD appears) is decoded one by one.
 */
export function readStrings(cursor: Cursor, count: number, what: string): string[] {
  const strings: string[] = [];
  const { bytes } = cursor;
  const end = bytes.length;
  // UTF-16 and byte lengths of the strings of the current run.
  let units: number[] = [];
  let sizes: number[] = [];
  let runStart = cursor.position;

  const flush = (): void => {
    cutRun(bytes.subarray(runStart, cursor.position), units, sizes, strings);
    units = [];
    sizes = [];
    runStart = cursor.position;
  };

  for (let i = 0; i < count; i++) {
    const { position } = cursor;
    const length = position < end ? bytes[position]! : ASCII_LENGTHS;
    const next = position + LENGTH_BYTES + length;
    const short =
      length < ASCII_LENGTHS &&
      next <= end &&
      cursor.view.getUint32(position, true) === length &&
      cursor.view.getUint32(position + 4, true) === 0;
    if (!short) {
      flush();
      strings.push(readString(cursor, what));
      runStart = cursor.position;
      continue;
    }
    units.push(utf16Length(bytes, position + LENGTH_BYTES, next));
    sizes.push(length);
    cursor.position = next;
    if (next - runStart >= BATCH_BYTES) flush();
  }
  flush();
  return strings;
}

/** UTF-16 code units of valid UTF-8: one a sequence, two for a sequence of four bytes. */
function utf16Length(bytes: Uint8Array, start: number, end: number): number {
  let units = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}

function cutRun(run: Uint8Array, units: readonly number[], sizes: readonly number[], out: string[]): void {
  if (units.length === 0) return;
  const text = decoder.decode(run);
  if (text.includes(REPLACEMENT)) {
    let at = 0;
    for (const size of sizes) {
      at += LENGTH_BYTES;
      out.push(decoder.decode(run.subarray(at, at + size)));
      at += size;
    }
    return;
  }
  let at = 0;
  for (const unit of units) {
    at += LENGTH_BYTES;
    out.push(text.slice(at, at + unit));
    at += unit;
  }
}
