// One plane of rows of W, from ggml blocks to the layout of the product kernels (src/gpu/matmul/weight-layout.ts): byte b of a row's plane is
// byte `origin + b % stride` of block b / stride where b % stride < bytes, and 0 between fields and beyond the last block.
// source: nRows rows of sourceRow bytes, one after another; target: rows of rowWords words from word `to` on, this plane planeWords of each.
// One lane a word of the plane. Integers only: every bit is kept.
#include "lib/grid.wgsl"

struct Params {
  // nRows * planeWords
  count: u32,
  planeWords: u32,
  // Where the plane of row 0 begins, and words from one row of the target to the next.
  to: u32,
  rowWords: u32,
  sourceRow: u32,
  blockBytes: u32,
  blocks: u32,
  origin: u32,
  bytes: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> packed: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

fn compute(index: u32) {
  let row = index / params.planeWords;
  let first = 4u * (index - row * params.planeWords);
  var word = 0u;
  for (var k = 0u; k < 4u; k++) {
    let block = (first + k) / params.stride;
    let within = first + k - block * params.stride;
    if (block < params.blocks && within < params.bytes) {
      let at = row * params.sourceRow + block * params.blockBytes + params.origin + within;
      word |= ((source[at / 4u] >> (8u * (at % 4u))) & 255u) << (8u * k);
    }
  }
  packed[params.to + row * params.rowWords + index - row * params.planeWords] = word;
}
