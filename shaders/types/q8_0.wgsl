// Q8_0, blocks of 32: weight i is d * q_i, q_i a signed byte.
// Row: plane of quants (32 bytes a block), plane of d (f16).
#include "types/lib/bytes.wgsl"
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  first: vec4<u32>,
  second: vec4<u32>,
  scale: f32,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let at = row + 2u * unit;
  return Unit(weights[at], weights[at + 1u], planeHalf(row + (nIn >> 4u), unit));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let d = unit.scale;
  return array<vec4<f32>, 8>(
    d * signedBytes(unit.first.x), d * signedBytes(unit.first.y),
    d * signedBytes(unit.first.z), d * signedBytes(unit.first.w),
    d * signedBytes(unit.second.x), d * signedBytes(unit.second.y),
    d * signedBytes(unit.second.z), d * signedBytes(unit.second.w),
  );
}
