import type { ByteRange } from './byte-ranges';

/** Keeps ranges of one file. Synchronous, so that nothing can change between looking and reading. */
export interface RangeStore {
  /** What is kept of a range, ascending and disjoint. */
  kept(wanted: ByteRange): readonly ByteRange[];
  /**
   * Copies kept bytes into `into`, which starts at `offset` of the file.
   * @returns false when they turn out to be damaged: they are no longer kept then
   */
  read(offset: number, into: Uint8Array): boolean;
  /** Keeps bytes that were not kept before, or does not when there is no room. Takes a copy. */
  write(offset: number, bytes: Uint8Array): void;
  close(): void;
}
