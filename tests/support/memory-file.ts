import type { SyncFile } from '../../src/cache/sync-file';

/** A synchronous file in memory. Beyond `quota` bytes it writes what fits, as a browser may. */
export function memoryFile(quota = Infinity): SyncFile {
  let bytes = new Uint8Array(0);
  return {
    getSize: () => bytes.length,
    read(into, { at }) {
      const part = bytes.subarray(at, at + into.length);
      into.set(part);
      return part.length;
    },
    write(from, { at }) {
      const end = Math.min(quota, at + from.length);
      if (end > bytes.length) {
        const longer = new Uint8Array(end);
        longer.set(bytes);
        bytes = longer;
      }
      bytes.set(from.subarray(0, Math.max(0, end - at)), at);
      return Math.max(0, end - at);
    },
    truncate(size) {
      bytes = bytes.slice(0, size);
    },
    flush: () => undefined,
    close: () => undefined,
  };
}
