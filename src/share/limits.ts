/** Bounds on what is put into pictures and taken out of files that others made. Each with its unit and its reason. */
export const SHARE_LIMITS = {
  /** Bytes of a picture or report file that is looked into: an A0 poster at 2x stays below. */
  fileBytes: 128 * 2 ** 20,
  /** Characters of base64 in a file; about the packed report of 48 layers x 128 experts x 300 tokens, unrounded. */
  packedChars: 32 * 2 ** 20,
  /** Bytes after inflating; a report of 96 layers x 1000 tokens stays below. */
  unpackedBytes: 256 * 2 ** 20,
  /** Bytes after inflating for each packed one; reports pack to a third, and those of many equal rows to a tenth. */
  expansion: 64,
  /** Bytes after inflating that need no reason. */
  freeExpansion: 64 * 2 ** 10,
  /** Bytes of packed report that ride in a picture: issue trackers refuse pictures of more than about 10 MB. */
  riderBytes: 600_000,
  /** Characters of a fragment: what browsers, mail programs and chat windows carry unharmed. */
  linkChars: 8000,
} as const;
