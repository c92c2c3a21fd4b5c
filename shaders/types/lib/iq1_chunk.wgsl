// IQ1_S, IQ1_M: four rows of a grid of -1, 0 and 1, two bits each, moved by a delta a row.
#include "types/lib/grid.wgsl"
#include "types/lib/grid_iq1.wgsl"

// The four values of the lowest eight bits, plus one.
fn levels(code: u32) -> vec4<f32> {
  return vec4<f32>((vec4(code) >> vec4(0u, 2u, 4u, 6u)) & vec4(3u));
}

// Where bit 3 of a row's `high` is set, delta is negative; its bits 0 to 2 are the index's high ones. scales.x: that of the first two rows.
fn iq1Chunk(low: u32, high: vec4<u32>, scales: vec2<f32>) -> array<vec4<f32>, 8> {
  let codes = gridRows(low, high & vec4(7u));
  let far = codes >> vec4(8u);
  let moved = select(vec4(0.125), vec4(-0.125), (high & vec4(8u)) != vec4(0u)) - 1.0;
  return array<vec4<f32>, 8>(
    scales.x * (levels(codes.x) + moved.x), scales.x * (levels(far.x) + moved.x),
    scales.x * (levels(codes.y) + moved.y), scales.x * (levels(far.y) + moved.y),
    scales.y * (levels(codes.z) + moved.z), scales.y * (levels(far.z) + moved.z),
    scales.y * (levels(codes.w) + moved.w), scales.y * (levels(far.w) + moved.w),
  );
}
