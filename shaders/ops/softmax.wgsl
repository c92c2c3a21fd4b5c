// y[r][i] = exp(x[r][i] - max) / sum_i exp(x[r][i] - max) over the row's first `valid` values; 0 beyond them.
// Causal attention: rows are (token, head), valid = firstPosition + token + 1: what the mask hides is never read.
// Router: causal 0, valid = rowLength.
// x, y (rows, rowLength). One workgroup a row; lane l takes values l, l + 64, ...; every lane joins the 64 partial results in the
// same order. The maximum is subtracted first, so that no exponential overflows. f32.
// A NaN or +Infinity among the values makes all of the row NaN. Seen by its bits: WGSL may assume that there is none, and a maximum
// that leaves a NaN out would make finite probabilities of it.
const LANES: u32 = 64u;
const LOWEST: f32 = -3.4028234e38;

struct Params {
  rows: u32,
  rowLength: u32,
  causal: u32,
  rowsPerToken: u32,
  firstPosition: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> partialMax: array<f32, LANES>;
var<workgroup> partialSum: array<f32, LANES>;
// Whether a lane has seen a value that no probability follows from.
var<workgroup> partialSpoilt: array<u32, LANES>;

fn spoils(value: f32) -> bool {
  let bits = bitcast<u32>(value);
  return bits == 0x7f800000u || (bits & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) {
    return;
  }
  var valid = params.rowLength;
  if (params.causal != 0u) {
    valid = min(valid, params.firstPosition + row / params.rowsPerToken + 1u);
  }
  let first = row * params.rowLength;

  var highest = LOWEST;
  var spoilt = 0u;
  for (var i = lane; i < valid; i += LANES) {
    highest = max(highest, x[first + i]);
    spoilt |= select(0u, 1u, spoils(x[first + i]));
  }
  partialSpoilt[lane] = spoilt;
  partialMax[lane] = highest;
  workgroupBarrier();
  for (var l = 0u; l < LANES; l++) {
    highest = max(highest, partialMax[l]);
    spoilt |= partialSpoilt[l];
  }

  var sum = 0.0;
  for (var i = lane; i < valid; i += LANES) {
    let e = exp(x[first + i] - highest);
    y[first + i] = e;
    sum += e;
  }
  partialSum[lane] = sum;
  workgroupBarrier();
  var total = 0.0;
  for (var l = 0u; l < LANES; l++) {
    total += partialSum[l];
  }

  // No constant, which WGSL would refuse: the bits of a quiet NaN.
  let quiet = bitcast<f32>(0x7fc00000u * spoilt);
  for (var i = lane; i < params.rowLength; i += LANES) {
    if (i < valid) {
      y[first + i] = select(y[first + i] / total, quiet, spoilt != 0u);
    } else {
      y[first + i] = 0.0;
    }
  }
}
