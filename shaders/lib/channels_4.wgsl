// Products of a query and a key, four channels at a time: four sums in order, joined at the end. For heads of a multiple of four.
@group(0) @binding(0) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> keys: array<vec4<f32>>;

fn dotChannels(qFirst: u32, keyFirst: u32, count: u32) -> f32 {
  var sums = vec4<f32>(0.0);
  for (var d = 0u; d < count / 4u; d++) {
    sums += q[qFirst / 4u + d] * keys[keyFirst / 4u + d];
  }
  return (sums.x + sums.y) + (sums.z + sums.w);
}
