// IQ3_XXS, IQ3_S: eight rows of a grid of four, three bits each (`levels` is the type's), with eight signs a pair of rows.
#include "types/lib/grid.wgsl"
#include "types/lib/signs.wgsl"

// The four three-bit codes of a row.
fn threeBits(code: u32) -> vec4<u32> {
  return (vec4(code) >> vec4(0u, 3u, 6u, 9u)) & vec4(7u);
}

fn iq3Chunk(first: vec4<u32>, second: vec4<u32>, signs: vec4<u32>, scale: f32) -> array<vec4<f32>, 8> {
  let farSigns = signs >> vec4(4u);
  return array<vec4<f32>, 8>(
    scale * withSigns(levels(first.x), signs.x), scale * withSigns(levels(first.y), farSigns.x),
    scale * withSigns(levels(first.z), signs.y), scale * withSigns(levels(first.w), farSigns.y),
    scale * withSigns(levels(second.x), signs.z), scale * withSigns(levels(second.y), farSigns.z),
    scale * withSigns(levels(second.z), signs.w), scale * withSigns(levels(second.w), farSigns.w),
  );
}
