// F32: a unit is one lane's share of 8 * LANES columns, every LANES-th of them, so that neighbouring lanes load neighbouring bytes.
struct Unit {
  values: array<vec4<u32>, 8>,
}

const CHUNKS = 1u;

fn rowUnits(nIn: u32) -> u32 {
  return (nIn / 4u + 8u * LANES - 1u) / (8u * LANES) * LANES;
}

fn anyColumn(unit: u32, i: u32) -> u32 {
  return (unit / LANES * 8u + i) * LANES + unit % LANES;
}

// Columns beyond the row repeat the last one of x, and are zero in W.
fn chunkColumn(unit: u32, chunk: u32, i: u32) -> u32 {
  return min(anyColumn(unit, i), N_IN / 4u - 1u);
}

fn column(row: u32, unit: u32, i: u32) -> vec4<u32> {
  let at = anyColumn(unit, i);
  return select(vec4(0u), weights[row + min(at, N_IN / 4u - 1u)], at < N_IN / 4u);
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  return Unit(array<vec4<u32>, 8>(
    column(row, unit, 0u), column(row, unit, 1u), column(row, unit, 2u), column(row, unit, 3u),
    column(row, unit, 4u), column(row, unit, 5u), column(row, unit, 6u), column(row, unit, 7u),
  ));
}

#include "fusions/lib/unit_as_loaded.wgsl"
#include "types/lib/no_grid.wgsl"

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  let w = unit.values;
  return dot(bitcast<vec4<f32>>(w[0]), v[0]) + dot(bitcast<vec4<f32>>(w[1]), v[1])
    + dot(bitcast<vec4<f32>>(w[2]), v[2]) + dot(bitcast<vec4<f32>>(w[3]), v[3])
    + dot(bitcast<vec4<f32>>(w[4]), v[4]) + dot(bitcast<vec4<f32>>(w[5]), v[5])
    + dot(bitcast<vec4<f32>>(w[6]), v[6]) + dot(bitcast<vec4<f32>>(w[7]), v[7]);
}
