/**
 * Where a model's bytes come from. A source never holds the whole file: it serves slices, so a 17 GB file needs no more memory than
 * the slices in hand.
 */
export interface ByteSource {
  /** File name for people, without a folder. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** What another thread needs to open the same source again. Structured-cloneable. */
  readonly descriptor: SourceDescriptor;
  /**
   * Reads exactly `length` bytes from `offset`.
   * @param into memory of that length that the bytes may be put in; where a source cannot, what it returns is other memory
   * @throws TracerError `source-read` (cannot be read, out of range), `source-changed` (size or validator changed), `source-range`
   * (the server does not serve ranges), `run-cancelled`.
   */
  read(
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  /** Releases what the source holds (a file handle). */
  close(): Promise<void>;
}

export type SourceDescriptor =
  | { readonly kind: 'blob'; readonly name: string; readonly blob: Blob }
  | {
      readonly kind: 'http';
      readonly url: string;
      /** What the server said when the source was first opened: another thread need not ask again, and notices a change. */
      readonly size?: number;
      readonly etag?: string;
      readonly lastModified?: string;
      /** Sent with every request to the address's own origin, and to no other. They may be secrets: for requests only. */
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'path';
      readonly path: string;
      /** When it was last written to, in ms: another thread notices a change. */
      readonly modified?: number;
    }
  | { readonly kind: 'memory'; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> };
