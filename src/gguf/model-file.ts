import type { SourceDescriptor } from './byte-source';

/** A GGUF metadata value. Integers of 64 bits outside the safe range are kept as bigint. */
export type GgufValue = number | bigint | boolean | string | GgufArray;
/** Homogeneous array; numbers in a typed array where one fits, so that a 151,936-token vocabulary parses fast. */
export type GgufArray =
  | readonly string[]
  | readonly boolean[]
  | readonly GgufArray[]
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

export interface TensorInfo {
  readonly name: string;
  /** ggml order, fastest-varying first: `dims[0]` is the row length. (nIn, nOut) for a matrix, (nIn, nOut, nExpert) for experts. */
  readonly dims: readonly number[];
  /** ggml's name of its type, or what another project calls it. */
  readonly type: string;
  /** Number of elements. */
  readonly elements: number;
  /** Bytes of the tensor's data. */
  readonly bytes: number;
  /** Which part of a split model holds it (0 for a single file). */
  readonly part: number;
  /** Absolute byte offset of its data in that part. */
  readonly offset: number;
  /**
   * The tensors of equal shape that it is made of, one after the other, where the file holds them apart; `part` and `offset` are the first's.
   * Where their types differ, `type` is F32 and what is read is dequantised.
   */
  readonly stacked?: readonly TensorInfo[];
}

/** An opened model: checked header and a way to read tensor bytes. One file, or the parts of a split model seen as one. */
export interface ModelFile {
  /** File name of the (first) part. */
  readonly name: string;
  /** GGUF version, 2 or 3. */
  readonly version: number;
  /** Bytes of all parts. */
  readonly bytes: number;
  /** Bytes of the first part's header: magic to the end of tensor infos. */
  readonly headerBytes: number;
  /** SHA-256 (hex) of those header bytes: names the model in traces and reports. */
  readonly headerSha256: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** By name, in file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** To open the same model in another thread (`openModel(parts)`). */
  readonly descriptors: readonly SourceDescriptor[];
  /** Bytes read so far through this object, header included. */
  readonly bytesRead: number;
  /**
   * Reads `length` bytes of a tensor's data from `offset` bytes into it.
   * @param into memory of that length that the bytes may be put in: one piece of memory then serves many reads. What comes back may be other
   * memory all the same.
   * @throws TracerError as `ByteSource.read`; `gguf-truncated` when the range leaves the tensor.
   */
  readTensor(
    tensor: TensorInfo,
    offset: number,
    length: number,
    signal?: AbortSignal,
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}
