/** A growing buffer that writes GGUF's little-endian primitives. */
export interface ByteWriter {
  readonly length: number;
  u8(value: number): void;
  u16(value: number): void;
  u32(value: number): void;
  u64(value: number | bigint): void;
  i64(value: number | bigint): void;
  f32(value: number): void;
  f64(value: number): void;
  /** u64 length and UTF-8. */
  string(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** Zeros up to a multiple of `alignment`. */
  align(alignment: number): void;
  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer>;
}

const utf8 = new TextEncoder();

/** An empty writer. */
export function byteWriter(): ByteWriter {
  let view = new DataView(new ArrayBuffer(1024));
  let length = 0;

  /** Makes room for `n` bytes and returns where they go. */
  const take = (n: number): number => {
    const at = length;
    length += n;
    if (length > view.byteLength) {
      const grown = new Uint8Array(Math.max(length, 2 * view.byteLength));
      grown.set(new Uint8Array(view.buffer, 0, at));
      view = new DataView(grown.buffer);
    }
    return at;
  };
  // `take` may replace `view`: the place is taken first, then the view is read.
  const put = (n: number, write: (at: number) => void): void => {
    write(take(n));
  };
  const bytes = (source: Uint8Array): void => {
    const at = take(source.length);
    new Uint8Array(view.buffer, at, source.length).set(source);
  };
  const u64 = (value: number | bigint): void => {
    put(8, (at) => {
      view.setBigUint64(at, BigInt(value), true);
    });
  };

  return {
    get length() {
      return length;
    },
    u8: (value) => {
      put(1, (at) => {
        view.setUint8(at, value);
      });
    },
    u16: (value) => {
      put(2, (at) => {
        view.setUint16(at, value, true);
      });
    },
    u32: (value) => {
      put(4, (at) => {
        view.setUint32(at, value, true);
      });
    },
    u64,
    i64: (value) => {
      put(8, (at) => {
        view.setBigInt64(at, BigInt(value), true);
      });
    },
    f32: (value) => {
      put(4, (at) => {
        view.setFloat32(at, value, true);
      });
    },
    f64: (value) => {
      put(8, (at) => {
        view.setFloat64(at, value, true);
      });
    },
    string: (text) => {
      const encoded = utf8.encode(text);
      u64(encoded.length);
      bytes(encoded);
    },
    bytes,
    align: (alignment) => {
      take((alignment - (length % alignment)) % alignment);
    },
    finish: () => new Uint8Array(view.buffer.slice(0, length)),
  };
}
