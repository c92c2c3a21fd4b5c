// What every product shares: y[yRow * yStride + yOffset + o] = sum over k of W[o][k] * x[xRow * xStride + xOffset + k], for the rows
// (xRow, yRow) of an entry of the work list. An entry is (word of `weights` where its W begins, its first index into `rows`, its count
// of rows, 0): one expert's share of the tokens, or a whole matrix's. `src/gpu/matmul/variants.ts` mirrors the struct.
struct Params {
  nIn: u32,
  nOut: u32,
  // vec4<u32> a row of W.
  rowVec4s: u32,
  xStride: u32,
  xOffset: u32,
  yStride: u32,
  yOffset: u32,
}
