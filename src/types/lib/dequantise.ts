/**
 * Dequantises `n` elements (whole blocks) of one type from `bytes[at...]` into `out[outAt...]`. Plain positional arguments and no
 * allocation per block: the reference calls it for every row.
 *
 * ggml-quants.c `dequantize_row_*` computes in f32. Every product of a type (at most 11 bits of f16, 8 of scale and the quant's) fits in 24
 * bits, so it is exact in f32 and in f64 alike; the one sum or difference that some types have (scale * q + minimum) is exact in f64 and
 * rounded once by the store to the Float32Array. The order of the factors is ggml's: it decides what NaN, infinity and -0 give.
 */
export type Dequantise = (bytes: Uint8Array, at: number, out: Float32Array, outAt: number, n: number) => void;
