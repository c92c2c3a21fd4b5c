import { readIndex, recordBytes, RECORD_BYTES, type Place } from './place-index';
import type { RangeStore } from './range-store';
import type { SyncFile } from './sync-file';
import { common, overlap, type ByteRange } from './byte-ranges';

export interface OpfsStore extends RangeStore {
  /** Bytes kept. */
  readonly bytes: number;
  /** Why nothing more is kept; undefined while there is room. */
  readonly full: 'limit' | 'quota' | undefined;
}

/**
 * Ranges in two files: `data` holds their bytes one after the other, `index` where each came from. Bytes are written before their place is, so
 * that a page that ends in between loses that range and nothing else. A range kept by an earlier visit is checked when it is first read.
 * @param limit most bytes of `data`
 * @param onClose called once, when the store is closed
 */
export function opfsStore(data: SyncFile, index: SyncFile, limit: number, onClose = (): void => undefined): OpfsStore {
  /** Ascending by offset, disjoint. */
  let places: Place[] = [...readIndex(index, data.getSize())];
  const trusted = new Set<Place>();
  let end = places.reduce((most, place) => Math.max(most, place.at + place.length), 0);
  let full: OpfsStore['full'];
  let closed = false;

  const touching = (wanted: ByteRange): readonly Place[] => {
    const first = firstAfter(places, wanted.offset);
    const found: Place[] = [];
    for (let i = Math.max(0, first - 1); i < places.length; i++) {
      const place = places[i];
      if (place === undefined || place.offset >= wanted.offset + wanted.length) break;
      if (overlap(place, wanted)) found.push(place);
    }
    return found;
  };
  const forget = (place: Place): void => {
    places = places.filter((other) => other !== place);
    index.truncate(0);
    for (const [i, other] of places.entries()) index.write(recordBytes(other), { at: i * RECORD_BYTES });
    index.flush();
  };
  const isIntact = (place: Place): boolean => {
    if (trusted.has(place)) return true;
    const bytes = new Uint8Array(place.length);
    const intact = data.read(bytes, { at: place.at }) === place.length && checksum(bytes) === place.checksum;
    if (intact) trusted.add(place);
    else forget(place);
    return intact;
  };

  return {
    get bytes() {
      return places.reduce((sum, place) => sum + place.length, 0);
    },
    get full() {
      return full;
    },
    kept: (wanted) => (closed ? [] : touching(wanted).flatMap((place) => common(place, wanted) ?? [])),
    read(offset, into) {
      if (closed) return false;
      const wanted = { offset, length: into.length };
      for (const place of touching(wanted)) {
        const part = common(place, wanted);
        if (part === undefined) continue;
        if (!isIntact(place)) return false;
        const target = into.subarray(part.offset - offset, part.offset - offset + part.length);
        if (data.read(target, { at: place.at + part.offset - place.offset }) !== part.length) return false;
      }
      return true;
    },
    write(offset, bytes) {
      if (closed || full !== undefined || bytes.length === 0) return;
      if (end + bytes.length > limit) {
        full = 'limit';
        return;
      }
      const place = { offset, length: bytes.length, at: end, checksum: checksum(bytes) };
      if (!append(data, bytes, end) || !append(index, recordBytes(place), places.length * RECORD_BYTES)) {
        full = 'quota';
        return;
      }
      end += bytes.length;
      trusted.add(place);
      places.splice(firstAfter(places, offset), 0, place);
    },
    close() {
      if (closed) return;
      closed = true;
      for (const file of [data, index]) {
        file.flush();
        file.close();
      }
      onClose();
    },
  };
}

/** Writes all of `bytes` at the end of a file, or nothing: false when the browser grants no more room. */
function append(file: SyncFile, bytes: Uint8Array, at: number): boolean {
  try {
    if (file.write(bytes, { at }) === bytes.length) return true;
  } catch {
    // QuotaExceededError, or a disk that is full: the run goes on without.
  }
  file.truncate(at);
  return false;
}

/** Index of the first place that starts after `offset`. */
function firstAfter(places: readonly Place[], offset: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle]?.offset ?? 0) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A 32-bit sum that any changed, missing or moved word changes; some gigabytes a second. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  const words = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const whole = words.length >> 2;
  const view = new Uint32Array(words.buffer, words.byteOffset, whole);
  for (let i = 0; i < whole; i++) sum = Math.imul(sum ^ view[i]!, 0x01000193) ^ (sum >>> 15);
  for (let i = whole * 4; i < words.length; i++) sum = Math.imul(sum ^ words[i]!, 0x01000193);
  return sum >>> 0;
}
