// y[t][c] = sum_j weight[c][j] * x[t - (taps - 1) + j][c]: each channel over the latest tokens, in the order of time.
// x, y (rows, channels), count = rows * channels. before (taps - 1, channels): the rows before x; what lies before the first token is 0.
// weight (channels, taps), as it lies in a file. One lane a value. f32.
#include "lib/grid.wgsl"

struct Params {
  count: u32,
  channels: u32,
  taps: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> before: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

fn compute(i: u32) {
  let token = i / params.channels;
  let channel = i - token * params.channels;
  let past = params.taps - 1u;
  var sum = 0.0;
  for (var j = 0u; j < params.taps; j++) {
    // Row `token + j` of the rows before followed by those of x.
    let at = token + j;
    var value = 0.0;
    if (at < past) {
      value = before[at * params.channels + channel];
    } else {
      value = x[(at - past) * params.channels + channel];
    }
    sum += weight[channel * params.taps + j] * value;
  }
  y[i] = sum;
}
