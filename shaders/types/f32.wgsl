// F32: 4 bytes a weight. Row: padded with zeros to a multiple of 32 weights.
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  values: array<vec4<u32>, 8>,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let at = row + unit * 8u;
  return Unit(array<vec4<u32>, 8>(
    weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u],
    weights[at + 4u], weights[at + 5u], weights[at + 6u], weights[at + 7u],
  ));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  return array<vec4<f32>, 8>(
    bitcast<vec4<f32>>(unit.values[0]), bitcast<vec4<f32>>(unit.values[1]),
    bitcast<vec4<f32>>(unit.values[2]), bitcast<vec4<f32>>(unit.values[3]),
    bitcast<vec4<f32>>(unit.values[4]), bitcast<vec4<f32>>(unit.values[5]),
    bitcast<vec4<f32>>(unit.values[6]), bitcast<vec4<f32>>(unit.values[7]),
  );
}
