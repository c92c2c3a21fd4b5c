// F16: IEEE 754 binary16, two a word. Row: padded with zeros to a multiple of 32 weights.
#include "types/lib/columns_32.wgsl"
#include "types/lib/no_grid.wgsl"

struct Unit {
  values: array<vec4<u32>, 4>,
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  let at = row + unit * 4u;
  return Unit(array<vec4<u32>, 4>(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]));
}

fn fourWeights(low: u32, high: u32) -> vec4<f32> {
  return vec4<f32>(unpack2x16float(low), unpack2x16float(high));
}

fn chunkWeights(unit: Unit, chunk: u32) -> array<vec4<f32>, 8> {
  let v = unit.values;
  return array<vec4<f32>, 8>(
    fourWeights(v[0].x, v[0].y), fourWeights(v[0].z, v[0].w),
    fourWeights(v[1].x, v[1].y), fourWeights(v[1].z, v[1].w),
    fourWeights(v[2].x, v[2].y), fourWeights(v[2].z, v[2].w),
    fourWeights(v[3].x, v[3].y), fourWeights(v[3].z, v[3].w),
  );
}
