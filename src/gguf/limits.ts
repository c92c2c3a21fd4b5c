/**
 * What a header may hold. Everything that a file counts or measures is checked against these and against the file's size before memory is
 * asked for; real files stay far below. Exceeding one is `gguf-limit`.
 */
export const GGUF_LIMITS = {
  /** Real headers: 6-12 MB (a vocabulary with its merges). */
  headerBytes: 128 * 2 ** 20,
  /** Real files: 25-60. */
  metadataEntries: 2 ** 16,
  /** Real files: 579 (Qwen3-30B-A3B) to about 2,000. */
  tensors: 2 ** 17,
  /** The specification's limit. */
  keyBytes: 2 ** 16 - 1,
  /** The specification says 64; some converters write longer names. */
  tensorNameBytes: 256,
  /** Real files: chat templates below 100 kB. */
  stringBytes: 16 * 2 ** 20,
  /** Real files: vocabularies and merges below 600,000. */
  arrayElements: 2 ** 22,
  /** Arrays of arrays are allowed by the format and used by nobody. */
  arrayDepth: 4,
  nestedArrayElements: 2 ** 14,
  /** GGML_MAX_DIMS */
  dims: 4,
  /** Above it a JavaScript number no longer counts exactly. */
  elements: Number.MAX_SAFE_INTEGER,
  /** Real files: 32. */
  alignment: 2 ** 24,
} as const;

/** `general.alignment` of a file that does not say. */
export const DEFAULT_ALIGNMENT = 32;

/** First read of a header; it grows eightfold until the header is complete: a real vocabulary needs 6-12 MB, so two reads. */
export const FIRST_READ_BYTES = 2 ** 20;
export const READ_GROWTH = 8;
