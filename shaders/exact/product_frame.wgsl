// What the exact products have in common: which rows meet which, and the end of a sum. A kernel declares `x`, binding 1.
#include "exact/wide.wgsl"

const LANES = 64u;
// Lanes that share a row of w: each sums every SPLITth block.
override SPLIT: u32 = 1u;

struct Params {
  // Bytes of a row of w.
  rowBytes: u32,
  // Values of a row.
  nIn: u32,
}

// Rows of one matrix that follow each other in memory, and rows of x that follow each other.
struct Entry {
  // First byte of the first row.
  at: u32,
  rows: u32,
  firstX: u32,
  nX: u32,
  // Where (first x, first row) goes in y, and how far the next x is.
  out: u32,
  stride: u32,
  unused0: u32,
  unused1: u32,
}

@group(0) @binding(0) var<storage, read> entries: array<Entry>;
// The unit of each row of x, as a power of two.
@group(0) @binding(2) var<storage, read> units: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<u32>;
// f64 bits (low word, high word), or REFUSED.
@group(0) @binding(4) var<storage, read_write> y: array<vec2<u32>>;
@group(0) @binding(5) var<uniform> params: Params;

// Per lane: its sum, and whether it is one.
var<workgroup> laneSums: array<array<u32, 7>, 64>;

// Adds the sums of the SPLIT lanes of a row and writes the result. All lanes of the workgroup call it the same number of times.
fn finish(sum: ptr<function, Wide>, sound: bool, lane: u32, entry: Entry, row: u32, xIndex: u32, exponent: i32) {
  var whole = sound;
  if (SPLIT > 1u) {
    workgroupBarrier();
    for (var i = 0u; i < WIDE; i++) { laneSums[lane][i] = (*sum)[i]; }
    laneSums[lane][6] = u32(sound);
    workgroupBarrier();
    if (lane % SPLIT == 0u) {
      for (var other = lane + 1u; other < lane + SPLIT; other++) {
        var carry = 0u;
        for (var i = 0u; i < WIDE; i++) {
          let term = laneSums[other][i];
          let partial = (*sum)[i] + term;
          let total = partial + carry;
          carry = u32(partial < term) | u32(total < partial);
          (*sum)[i] = total;
        }
        whole = whole && laneSums[other][6] != 0u;
      }
    }
  }
  if (lane % SPLIT != 0u || row >= entry.rows || xIndex >= entry.nX) {
    return;
  }
  var value = vec2(0u, REFUSED);
  if (whole) {
    value = roundedToF64(sum, exponent + units[entry.firstX + xIndex]);
  }
  y[entry.out + xIndex * entry.stride + row] = value;
}
