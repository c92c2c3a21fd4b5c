// What bounds scale with, in f32: sum_j |w_rj| |x_tj|, and sum_j |w_rj|. Rounding is the caller's to allow for: at most nIn + 8 roundings.
// x (nX, nIn) |x| rounded up; y (sum of products, sum of weights). One lane: one row of w and one of x.
#include <type>

struct Params {
  rowBytes: u32,
  nIn: u32,
}

struct Entry {
  at: u32,
  rows: u32,
  firstX: u32,
  nX: u32,
  out: u32,
  stride: u32,
  unused0: u32,
  unused1: u32,
}

@group(0) @binding(0) var<storage, read> entries: array<Entry>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<f32>>;
@group(0) @binding(4) var<uniform> params: Params;

#include <values>

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let entry = entries[group.z];
  let row = group.x * 64u + lane;
  if (row >= entry.rows || group.y >= entry.nX) {
    return;
  }
  let sums = absoluteSums(entry.at + row * params.rowBytes, (entry.firstX + group.y) * params.nIn);
  y[entry.out + group.y * entry.stride + row] = sums;
}
