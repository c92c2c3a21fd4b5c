/** Elements of a chunk: what kernels multiply at a time. Rows of float types are padded with zeros to a multiple of it. */
export const CHUNK = 32;

/** Which columns of a row a unit holds: each a file `shaders/types/lib/columns_<name>.wgsl`, which says the same. */
export const COLUMNS = {
  /** 32 consecutive ones: one chunk. */
  '32': { chunks: 1, column: (unit: number, _chunk: number, i: number): number => unit * 8 + i },
  /** 64 consecutive ones: two chunks. */
  '64': { chunks: 2, column: (unit: number, chunk: number, i: number): number => unit * 16 + chunk * 8 + i },
  /** A quarter of 256: 16 from each run of 32 of a half. */
  '4x16': {
    chunks: 2,
    column: (unit: number, chunk: number, i: number): number =>
      (unit >> 1) * 32 + (2 * chunk + (i >> 2)) * 8 + (unit & 1) * 4 + (i & 3),
  },
} as const;

export type Columns = keyof typeof COLUMNS;

/** Elements of a unit. */
export function unitElements(columns: Columns): number {
  return COLUMNS[columns].chunks * CHUNK;
}
