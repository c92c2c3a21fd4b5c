// Products of a query times `scale` and a key, four channels at a time, summed in order of the channels: the bits of channels_1.wgsl. For heads
// of a multiple of four.
@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;

fn dotChannels(qFirst: u32, keyFirst: u32, count: u32, scale: f32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < count / 4u; d++) {
    let a = q[qFirst / 4u + d] * scale;
    let b = keys[keyFirst / 4u + d];
    sum = fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
  }
  return sum;
}
