import type { RangeStore } from './range-store';
import { common, type ByteRange } from './byte-ranges';

interface Piece extends ByteRange {
  readonly bytes: Uint8Array;
}

/**
 * Keeps the ranges used last within `budget` bytes. Two engines in lockstep are a few hundred megabytes apart at most.
 */
export function memoryStore(budget: number): RangeStore {
  /** Oldest use first. */
  const pieces = new Set<Piece>();
  let held = 0;
  const touching = (wanted: ByteRange): readonly Piece[] =>
    [...pieces].filter((piece) => common(piece, wanted) !== undefined);
  return {
    kept: (wanted) =>
      touching(wanted)
        .flatMap((piece) => common(piece, wanted) ?? [])
        .sort((a, b) => a.offset - b.offset),
    read(offset, into) {
      const wanted = { offset, length: into.length };
      for (const piece of touching(wanted)) {
        const part = common(piece, wanted);
        if (part === undefined) continue;
        const from = part.offset - piece.offset;
        into.set(piece.bytes.subarray(from, from + part.length), part.offset - offset);
        pieces.delete(piece);
        pieces.add(piece);
      }
      return true;
    },
    write(offset, bytes) {
      if (bytes.length > budget) return;
      pieces.add({ offset, length: bytes.length, bytes: bytes.slice() });
      held += bytes.length;
      for (const piece of pieces) {
        if (held <= budget) return;
        pieces.delete(piece);
        held -= piece.length;
      }
    },
    close() {
      pieces.clear();
      held = 0;
    },
  };
}
