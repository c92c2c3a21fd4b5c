// F32: a unit is one lane's share of 16 * LANES columns, every LANES-th of them, so that neighbouring lanes load neighbouring bytes.
struct Unit {
  first: array<vec4<u32>, 8>,
  second: array<vec4<u32>, 8>,
}

const CHUNKS = 2u;

fn rowUnits(nIn: u32) -> u32 {
  return (nIn / 4u + 16u * LANES - 1u) / (16u * LANES) * LANES;
}

fn anyColumn(unit: u32, chunk: u32, i: u32) -> u32 {
  return (unit / LANES * 16u + chunk * 8u + i) * LANES + unit % LANES;
}

// Columns beyond the row repeat the last one of x, and are zero in W.
fn chunkColumn(unit: u32, chunk: u32, i: u32) -> u32 {
  return min(anyColumn(unit, chunk, i), N_IN / 4u - 1u);
}

fn column(row: u32, unit: u32, chunk: u32, i: u32) -> vec4<u32> {
  let at = anyColumn(unit, chunk, i);
  return select(vec4(0u), weights[row + min(at, N_IN / 4u - 1u)], at < N_IN / 4u);
}

fn chunkColumns(row: u32, unit: u32, chunk: u32) -> array<vec4<u32>, 8> {
  return array<vec4<u32>, 8>(
    column(row, unit, chunk, 0u), column(row, unit, chunk, 1u), column(row, unit, chunk, 2u), column(row, unit, chunk, 3u),
    column(row, unit, chunk, 4u), column(row, unit, chunk, 5u), column(row, unit, chunk, 6u), column(row, unit, chunk, 7u),
  );
}

fn loadUnit(row: u32, nIn: u32, unit: u32) -> Unit {
  return Unit(chunkColumns(row, unit, 0u), chunkColumns(row, unit, 1u));
}

fn chunkTotal(v: array<vec4<f32>, 8>) -> f32 {
  return 0.0;
}

fn chunkPrepared(chunk: u32, v: array<vec4<f32>, 8>) -> array<vec4<f32>, 8> {
  return v;
}

fn dotColumns(w: array<vec4<u32>, 8>, v: array<vec4<f32>, 8>) -> f32 {
  return dot(bitcast<vec4<f32>>(w[0]), v[0]) + dot(bitcast<vec4<f32>>(w[1]), v[1])
    + dot(bitcast<vec4<f32>>(w[2]), v[2]) + dot(bitcast<vec4<f32>>(w[3]), v[3])
    + dot(bitcast<vec4<f32>>(w[4]), v[4]) + dot(bitcast<vec4<f32>>(w[5]), v[5])
    + dot(bitcast<vec4<f32>>(w[6]), v[6]) + dot(bitcast<vec4<f32>>(w[7]), v[7]);
}

fn chunkDot(unit: Unit, chunk: u32, v: array<vec4<f32>, 8>, total: f32) -> f32 {
  if (chunk == 1u) {
    return dotColumns(unit.second, v);
  }
  return dotColumns(unit.first, v);
}
