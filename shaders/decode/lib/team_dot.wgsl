// The products of rows of W with x, a lane's share of them. f32 sums in a fixed order.
// The kernel gives x by `xAt(column)`, four values a column. A lane keeps the part of x that its unit of a row meets in registers, and meets
// row after row with it: weights are all that moves.
#include <dot>

// The elements of x that a unit of W meets, as chunkDot wants them, and their sum for each chunk.
struct LaneX {
  values: array<array<vec4<f32>, 8>, CHUNKS>,
  totals: array<f32, CHUNKS>,
}

fn laneX(unit: u32) -> LaneX {
  var x: LaneX;
  for (var c = 0u; c < CHUNKS; c++) {
    let v = array<vec4<f32>, 8>(
      xAt(chunkColumn(unit, c, 0u)), xAt(chunkColumn(unit, c, 1u)),
      xAt(chunkColumn(unit, c, 2u)), xAt(chunkColumn(unit, c, 3u)),
      xAt(chunkColumn(unit, c, 4u)), xAt(chunkColumn(unit, c, 5u)),
      xAt(chunkColumn(unit, c, 6u)), xAt(chunkColumn(unit, c, 7u)),
    );
    x.totals[c] = chunkTotal(v);
    x.values[c] = chunkPrepared(c, v);
  }
  return x;
}

fn unitDot(unit: Unit, x: LaneX) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < CHUNKS; c++) {
    sum += chunkDot(unit, c, x.values[c], x.totals[c]);
  }
  return sum;
}

// Where ROWS rows from `first` on begin; rows beyond the end repeat the last one.
fn rowPlaces(first: u32, rows: u32, rowVec4s: u32) -> array<u32, ROWS> {
  var places: array<u32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    places[r] = min(first + r, rows - 1u) * rowVec4s;
  }
  return places;
}

fn loadRows(places: array<u32, ROWS>, unit: u32) -> array<Unit, ROWS> {
  var loaded: array<Unit, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    loaded[r] = loadUnit(places[r], N_IN, unit);
  }
  return loaded;
}

fn dotLoaded(loaded: array<Unit, ROWS>, x: LaneX) -> array<f32, ROWS> {
  var sums: array<f32, ROWS>;
  for (var r = 0u; r < ROWS; r++) {
    sums[r] = unitDot(loaded[r], x);
  }
  return sums;
}

fn dot32(a: array<vec4<f32>, 8>, b: array<vec4<f32>, 8>) -> f32 {
  return dot(a[0], b[0]) + dot(a[1], b[1]) + dot(a[2], b[2]) + dot(a[3], b[3])
    + dot(a[4], b[4]) + dot(a[5], b[5]) + dot(a[6], b[6]) + dot(a[7], b[7]);
}

#include <walk>
