/**
 * Dequantises `n` elements (whole blocks) of one type from `bytes[at...]` into `out[outAt...]`. Plain positional arguments and no
 * allocation per block: the CPU arm calls it for every row.
 */
export type Dequantise = (bytes: Uint8Array, at: number, out: Float32Array, outAt: number, n: number) => void;
