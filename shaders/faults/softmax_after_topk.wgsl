// A FAULT ON PURPOSE: the router's softmax over the nUsed largest logits only, 0 for the others, in tokens first to end - 1.
// y[r][i] = exp(x[r][i] - max) / sum over the chosen j of exp(x[r][j] - max). Ties go to the lower index, as in top_k.wgsl.
// x, y (rows, rowLength). One lane a value; each ranks and sums the whole row, in order. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  rowLength: u32,
  nUsed: u32,
  first: u32,
  end: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

fn chosen(row: u32, i: u32) -> bool {
  let own = x[row + i];
  var rank = 0u;
  for (var j = 0u; j < params.rowLength; j++) {
    let other = x[row + j];
    if (other > own || (other == own && j < i)) {
      rank++;
    }
  }
  return rank < params.nUsed;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = linearIndex(global, groups, 64u);
  if (index >= params.count) {
    return;
  }
  let token = index / params.rowLength;
  let row = token * params.rowLength;
  let faulty = token >= params.first && token < params.end;
  var highest = x[row];
  for (var i = 1u; i < params.rowLength; i++) {
    highest = max(highest, x[row + i]);
  }
  var total = 0.0;
  for (var i = 0u; i < params.rowLength; i++) {
    if (!faulty || chosen(row, i)) {
      total += exp(x[row + i] - highest);
    }
  }
  let counts = !faulty || chosen(row, index - row);
  y[index] = select(0.0, exp(x[index] - highest) / total, counts);
}
