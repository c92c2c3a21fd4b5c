// Products of a query times `scale` and a key, one channel at a time, summed in order. For heads of any size.
@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> keys: array<f32>;

fn dotChannels(qFirst: u32, keyFirst: u32, count: u32, scale: f32) -> f32 {
  var sum = 0.0;
  for (var d = 0u; d < count; d++) {
    sum = fma(q[qFirst + d] * scale, keys[keyFirst + d], sum);
  }
  return sum;
}
