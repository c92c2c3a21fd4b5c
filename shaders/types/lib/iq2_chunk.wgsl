// IQ2_XXS, IQ2_XS, IQ2_S: four rows of a grid of 8, 25 and 43, two bits each, with eight signs a row.
#include "types/lib/grid.wgsl"
#include "types/lib/signs.wgsl"

// The four values of the lowest eight bits.
fn levels(code: u32) -> vec4<f32> {
  let c = (vec4(code) >> vec4(0u, 2u, 4u, 6u)) & vec4(3u);
  return vec4<f32>(vec4(8u) + 17u * c + (c >> vec4(1u)));
}

// scales.x: that of the first two rows.
fn iq2Chunk(codes: vec4<u32>, signs: vec4<u32>, scales: vec2<f32>) -> array<vec4<f32>, 8> {
  let far = codes >> vec4(8u);
  let farSigns = signs >> vec4(4u);
  return array<vec4<f32>, 8>(
    scales.x * withSigns(levels(codes.x), signs.x), scales.x * withSigns(levels(far.x), farSigns.x),
    scales.x * withSigns(levels(codes.y), signs.y), scales.x * withSigns(levels(far.y), farSigns.y),
    scales.y * withSigns(levels(codes.z), signs.z), scales.y * withSigns(levels(far.z), farSigns.z),
    scales.y * withSigns(levels(codes.w), signs.w), scales.y * withSigns(levels(far.w), farSigns.w),
  );
}
