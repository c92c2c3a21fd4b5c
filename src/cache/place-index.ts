import type { SyncFile } from './sync-file';
import type { ByteRange } from './byte-ranges';

/** Where a range of the remote file lies in `data`. */
export interface Place extends ByteRange {
  readonly at: number;
  readonly checksum: number;
}

/** A record: offset, length, at and checksum as f64, little-endian. */
export const RECORD_BYTES = 32;

export function recordBytes({ offset, length, at, checksum }: Place): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  for (const [i, value] of [offset, length, at, checksum].entries()) view.setFloat64(8 * i, value, true);
  return new Uint8Array(view.buffer);
}

/** The places of an index that are whole, lie in `dataBytes` bytes of data and do not overlap; ascending. */
export function readIndex(index: SyncFile, dataBytes: number): readonly Place[] {
  const bytes = new Uint8Array(index.getSize());
  const got = index.read(bytes, { at: 0 });
  const view = new DataView(bytes.buffer);
  const places: Place[] = [];
  for (let at = 0; at + RECORD_BYTES <= got; at += RECORD_BYTES) {
    const value = (i: number): number => view.getFloat64(at + 8 * i, true);
    const place = { offset: value(0), length: value(1), at: value(2), checksum: value(3) };
    const whole = [place.offset, place.length, place.at].every((v) => Number.isSafeInteger(v) && v >= 0);
    if (whole && place.length > 0 && place.at + place.length <= dataBytes) places.push(place);
  }
  places.sort((a, b) => a.offset - b.offset);
  return places.filter((place, i) => {
    const before = places[i - 1];
    return before === undefined || before.offset + before.length <= place.offset;
  });
}
