// What an adapter makes of numbers that tell its rounding: y[i] = (a + b, a * b) of x[i] = (a, b). (count) pairs, one lane a pair. f32.
struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<f32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3<u32>) {
  let i = global.x;
  if (i < params.count) {
    y[i] = vec2(x[i].x + x[i].y, x[i].x * x[i].y);
  }
}
